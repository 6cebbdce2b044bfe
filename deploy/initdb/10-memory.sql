-- What the first start of the container makes: the role and the database of the memory.
-- The role has no password yet, so nobody can log in as it over the network.
CREATE ROLE vestige LOGIN CONNECTION LIMIT 90;
CREATE DATABASE memory OWNER vestige TEMPLATE template0 ENCODING 'UTF8';
REVOKE ALL ON DATABASE memory FROM PUBLIC;
\connect memory
CREATE EXTENSION vector;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO vestige;
