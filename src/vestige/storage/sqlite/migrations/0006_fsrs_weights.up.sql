-- The weights of FSRS-6 that were fitted to the reviews; without a row the default ones hold.
-- Differs from postgres: times are text, lists are JSON text.

CREATE TABLE fsrs_weights (
    id INTEGER PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    weights TEXT NOT NULL CHECK (json_valid(weights) AND json_array_length(weights) = 21),
    review_count INTEGER NOT NULL CHECK (review_count >= 0),
    log_loss_before REAL NOT NULL,
    log_loss_after REAL NOT NULL,
    fitted_at TEXT NOT NULL
) STRICT;
