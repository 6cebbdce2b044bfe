-- Destroys the weights that were fitted to the reviews; the reviews are kept.
DROP TABLE fsrs_weights;
