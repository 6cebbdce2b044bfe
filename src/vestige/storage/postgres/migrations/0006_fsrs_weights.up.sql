-- The weights of FSRS-6 that were fitted to the reviews; without a row the default ones hold.

CREATE TABLE fsrs_weights (
    id integer PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    weights double precision[] NOT NULL CHECK (cardinality(weights) = 21),
    review_count bigint NOT NULL CHECK (review_count >= 0),
    log_loss_before double precision NOT NULL,
    log_loss_after double precision NOT NULL,
    fitted_at timestamptz NOT NULL
);
