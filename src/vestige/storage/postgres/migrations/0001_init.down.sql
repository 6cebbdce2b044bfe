-- Destroys every memory of the store. Extensions stay: other schemas may use them.
DROP TABLE review_events;
DROP TABLE edges;
DROP TABLE scheduling;
DROP TABLE memory_windows;
DROP TABLE knowledge_nodes;
DROP TABLE group_memberships;
DROP TABLE groups;
DROP TABLE users;
DROP TABLE domains;
DROP TABLE embedding_model;
DROP FUNCTION vestige_touch;
DROP FUNCTION vestige_joined;
DROP FUNCTION vestige_words;
DROP FUNCTION vestige_text_search;
