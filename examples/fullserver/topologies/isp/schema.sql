-- The tables domains, virtual and quotas in a database: SQLite, PostgreSQL and MySQL take it as it is (in sql-quotas.cf MySQL wants
-- CONCAT('@', name) for '@' || name).
-- A customer's own program, or his administrator's pages, write here; nothing has to be read again.
CREATE TABLE domains (
    name     VARCHAR(255) PRIMARY KEY,  -- an.example, in lower case
    customer INTEGER NOT NULL,
    quota    VARCHAR(64)                -- *:storage=10G; NULL: what main.cf says
);
CREATE TABLE aliases (
    address  VARCHAR(320) PRIMARY KEY,  -- info@an.example, or @an.example for all that nobody has
    goes_to  TEXT NOT NULL              -- one address or several, with commas between
);
