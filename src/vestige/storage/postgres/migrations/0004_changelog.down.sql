-- Destroys the account of all changes; what was changed stays.
DROP TABLE tombstones;
DROP TABLE changelog;
ALTER TABLE knowledge_nodes ALTER COLUMN content SET STATISTICS -1;
ALTER TABLE knowledge_nodes ALTER COLUMN search_terms SET STATISTICS -1;
