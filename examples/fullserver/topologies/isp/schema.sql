-- The tables domains, virtual and quotas in a database: SQLite, PostgreSQL and MySQL take it as it is (in sql-quotas.cf MySQL wants
-- CONCAT('@', name) for '@' || name).
-- A customer's own program, or his administrator's pages, write here; nothing has to be read again.
CREATE TABLE domains (
    name     VARCHAR(255) PRIMARY KEY,  -- an.example, in lower case
    customer INTEGER NOT NULL,
    quota    VARCHAR(64),               -- of each mailbox, *:storage=10G; NULL: what main.cf says
    limits   VARCHAR(128)               -- of all together, *:storage=100G:mailboxes=50:aliases=200; NULL: what main.cf says
);
CREATE TABLE domain_admins (
    username VARCHAR(255) NOT NULL,     -- lan@an.example
    domain   VARCHAR(255) NOT NULL,     -- which he administers; ALL: every one
    PRIMARY KEY (username, domain)
);
CREATE TABLE aliases (
    address  VARCHAR(320) PRIMARY KEY,  -- info@an.example, or @an.example for all that nobody has
    goes_to  TEXT NOT NULL              -- one address or several, with commas between
);
