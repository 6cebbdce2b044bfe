-- Destroys the account of all changes; what was changed stays.
DROP TABLE tombstones;
DROP TABLE changelog;
