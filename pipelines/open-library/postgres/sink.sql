-- The works and what is counted of them in PostgreSQL, besides all that
-- ../pipeline.sql does.
--
--   works ------------------> library.works                   (key, subject)
--   books_by_year ----------> library.books_by_year           (author, year)
--   avg_books_by_year ------> library.avg_books_by_year       (author)
--   fantasy_author_books ---> library.fantasy_author_books    (key, author)
--   fantasy_books_per_year -> library.fantasy_books_per_year  (author)
--
-- Tables are made when they are not there (the schema has to be).  Rows and
-- positions (library.cupel_offsets) are committed together: a run again, or
-- after a kill, writes nothing twice; a row that leaves its view is deleted.
--
-- cupel run pipelines/open-library/pipeline.sql \
--   pipelines/open-library/postgres/sink.sql \
--   --app open-library --drain --set host=localhost

\set host localhost
\set port 5432
\set dbname warehouse
\set user cupel
\set schema library

CREATE SERVER warehouse FOREIGN DATA WRAPPER postgres
  OPTIONS (host :'host', port :'port', dbname :'dbname');
-- With a password: password_file 'secrets/password', password_env 'VARIABLE',
-- or what libpq reads by itself (PGPASSFILE, PGPASSWORD).
CREATE USER MAPPING FOR CURRENT_USER SERVER warehouse
  OPTIONS (username :'user');

\set works_table :schema '.works'
\set books_by_year_table :schema '.books_by_year'
\set avg_table :schema '.avg_books_by_year'
\set shelf_table :schema '.fantasy_author_books'
\set per_year_table :schema '.fantasy_books_per_year'

CREATE FOREIGN TABLE works_in_postgres (
  key text, subject text, title text, first_publish_year int,
  edition_count int, authors jsonb, availability text, fetched_at timestamptz,
  PRIMARY KEY (key, subject)
) SERVER warehouse OPTIONS (table :'works_table', mode 'upsert');

CREATE FOREIGN TABLE books_by_year_in_postgres (
  author text, year int, books bigint NOT NULL, PRIMARY KEY (author, year)
) SERVER warehouse OPTIONS (table :'books_by_year_table', mode 'upsert');

CREATE FOREIGN TABLE avg_books_by_year_in_postgres (
  author text, average numeric, PRIMARY KEY (author)
) SERVER warehouse OPTIONS (table :'avg_table', mode 'upsert');

CREATE FOREIGN TABLE fantasy_author_books_in_postgres (
  key text, title text, first_publish_year int, author text,
  author_firstname text, author_lastname text, PRIMARY KEY (key, author)
) SERVER warehouse OPTIONS (table :'shelf_table', mode 'upsert');

CREATE FOREIGN TABLE fantasy_books_per_year_in_postgres (
  author text, books bigint, distinct_years bigint, average numeric,
  PRIMARY KEY (author)
) SERVER warehouse OPTIONS (table :'per_year_table', mode 'upsert');

INSERT INTO works_in_postgres SELECT * FROM works;
-- No part of a primary key is NULL: an unknown year is 0.
INSERT INTO books_by_year_in_postgres
SELECT author, coalesce(year, 0) AS year, books FROM books_by_year;
INSERT INTO avg_books_by_year_in_postgres SELECT * FROM avg_books_by_year;
INSERT INTO fantasy_author_books_in_postgres SELECT * FROM fantasy_author_books;
INSERT INTO fantasy_books_per_year_in_postgres
SELECT * FROM fantasy_books_per_year;
