-- Open Library: subjects over HTTP -> bronze pages -> silver works -> reports.
--
--   subject_pages   bronze.openlibrary.subjects   every page as it came
--   works           silver.openlibrary.works      one row per work and subject
--   books_by_year, avg_books_by_year, …           reports/*.csv
--
-- cupel run pipelines/open-library --drain --set subjects='fantasy, love'

\set openlibrary_url 'https://openlibrary.org'
\set user_agent 'cupel (you@example.org)'
\set subjects 'science_fiction, fantasy'
\set each 'subject: ' :subjects
\set page_size 100
\set params 'limit=' :page_size '&offset={page_offset}'
\set rate_limit '1/s'
\set timeout '30 seconds'
\set backoff '1 second'
\set allow_private 'false'
\set collect_every '1 day'
\set partitions 1

CREATE SERVER openlibrary FOREIGN DATA WRAPPER http OPTIONS (
  url :'openlibrary_url', user_agent :'user_agent', rate_limit :'rate_limit',
  concurrency '2', retries '5', timeout :'timeout', backoff :'backoff',
  allow_private :'allow_private');

-- Bronze. A page without works or without work_count is not a page: Open
-- Library answers 200 with a null count when its search is down.
CREATE FOREIGN TABLE subject_pages (
  subject text, page_offset bigint, fetched_at timestamptz, body jsonb
) SERVER openlibrary OPTIONS (
  path '/subjects/{subject}.json', params :'params',
  for_each :'each', paginator 'offset', limit :'page_size',
  total_path '$.work_count', items_path '$.works',
  require '$.works, $.work_count', every :'collect_every',
  topic 'bronze.openlibrary.subjects', partitions :'partitions');

-- Silver: one row per work key and subject, the latest fetch wins.
CREATE MATERIALIZED VIEW works WITH (
  topic = 'silver.openlibrary.works', primary_key = 'key, subject') AS
SELECT DISTINCT ON (w->>'key', p.subject)
       w->>'key' AS key,
       p.subject,
       w->>'title' AS title,
       (w->>'first_publish_year')::int AS first_publish_year,
       (w->>'edition_count')::int AS edition_count,
       w->'authors' AS authors,
       w->'availability'->>'status' AS availability,
       p.fetched_at
FROM subject_pages p, jsonb_array_elements(p.body->'works') AS w
ORDER BY w->>'key', p.subject, p.fetched_at DESC;

-- A work found under two subjects is one work.
CREATE VIEW distinct_works AS
SELECT DISTINCT ON (key) key, title, first_publish_year, authors
FROM works
ORDER BY key, fetched_at DESC, subject;

CREATE VIEW work_authors AS
SELECT w.key, w.title, w.first_publish_year, a->>'name' AS author
FROM distinct_works w, jsonb_array_elements(w.authors) AS a;

CREATE MATERIALIZED VIEW books_by_year AS
SELECT author, first_publish_year AS year, count(*) AS books
FROM work_authors
GROUP BY author, first_publish_year;

-- An aggregate over an aggregate: corrections flow through.  The first of two
-- averages: the mean of the yearly counts, books without a year as a year.
CREATE MATERIALIZED VIEW avg_books_by_year AS
SELECT author, round(avg(books), 2) AS average
FROM books_by_year
GROUP BY author;

-- The fantasy shelf: authors by name, without dots, split at the last space.
CREATE VIEW fantasy_pairs AS
SELECT split_part(w.key, '/', 3) AS key, w.title, w.first_publish_year,
       replace(a->>'name', '.', '') AS author
FROM works w, jsonb_array_elements(w.authors) AS a
WHERE w.subject = 'fantasy';

CREATE MATERIALIZED VIEW fantasy_author_books WITH (
  primary_key = 'key, author') AS
SELECT DISTINCT key, title, first_publish_year, author,
       CASE WHEN strpos(author, ' ') = 0 THEN ''
            ELSE left(author, length(author) - strpos(reverse(author), ' '))
       END AS author_firstname,
       CASE WHEN strpos(author, ' ') = 0 THEN author
            ELSE right(author, strpos(reverse(author), ' ') - 1)
       END AS author_lastname
FROM fantasy_pairs;

-- The second average: all books by the years that are known.
CREATE MATERIALIZED VIEW fantasy_books_per_year AS
SELECT author, count(*) AS books,
       count(DISTINCT first_publish_year) AS distinct_years,
       round(count(*)::numeric / nullif(count(DISTINCT first_publish_year), 0),
             2) AS average
FROM fantasy_author_books
GROUP BY author;

-- --- entities, with numbers that stay ----------------------------------------

-- Every pair of a work and an author that was ever seen, in order of arrival:
-- numbers are given at the first appearance and survive every reload.
CREATE VIEW seen_works AS
SELECT split_part(w->>'key', '/', 3) AS book_key, w->>'title' AS title,
       (w->>'first_publish_year')::int AS first_publish_year,
       w->'authors' AS authors, p.fetched_at
FROM subject_pages p, jsonb_array_elements(p.body->'works') AS w;

CREATE VIEW seen_authors AS
SELECT replace(a->>'name', '.', '') AS full_name, fetched_at
FROM seen_works, jsonb_array_elements(authors) AS a;

CREATE MATERIALIZED VIEW books WITH (
  topic = 'silver.openlibrary.books', primary_key = 'book_id') AS
SELECT DISTINCT ON (surrogate_id)
       surrogate_id AS book_id, book_key, title AS name, first_publish_year,
       fetched_at
FROM surrogate(seen_works, key => ARRAY[book_key])
ORDER BY surrogate_id, fetched_at DESC;

CREATE MATERIALIZED VIEW authors WITH (
  topic = 'silver.openlibrary.authors', primary_key = 'author_id') AS
SELECT DISTINCT ON (surrogate_id)
       surrogate_id AS author_id, full_name,
       CASE WHEN strpos(full_name, ' ') = 0 THEN ''
            ELSE left(full_name, length(full_name) -
                                 strpos(reverse(full_name), ' '))
       END AS first_name,
       CASE WHEN strpos(full_name, ' ') = 0 THEN full_name
            ELSE right(full_name, strpos(reverse(full_name), ' ') - 1)
       END AS last_name
FROM surrogate(seen_authors, key => ARRAY[full_name])
ORDER BY surrogate_id;

-- A book has all its authors, not the first alone; a correction takes away who
-- is none any more.
CREATE MATERIALIZED VIEW books_authors WITH (
  topic = 'silver.openlibrary.books_authors',
  primary_key = 'book_id, author_id') AS
SELECT DISTINCT b.book_id, a.author_id
FROM work_authors w
JOIN books b ON b.book_key = split_part(w.key, '/', 3)
JOIN authors a ON a.full_name = replace(w.author, '.', '');

-- --- three questions about them ----------------------------------------------

-- How many books did an author publish each year?
CREATE MATERIALIZED VIEW q1_books_each_year WITH (
  primary_key = 'author_id, first_publish_year') AS
SELECT ba.author_id, b.first_publish_year, count(*) AS total_books_published
FROM books_authors ba
JOIN books b ON b.book_id = ba.book_id
GROUP BY ba.author_id, b.first_publish_year;

-- How many books a year, on average?  Books by distinct known years.
CREATE MATERIALIZED VIEW q2_average_books_per_year WITH (
  primary_key = 'author_id') AS
SELECT author_id,
       round(sum(total_books_published) / nullif(count(first_publish_year), 0),
             2) AS avg_books_published_per_year
FROM q1_books_each_year
GROUP BY author_id;

-- Each book beside what its author published that year and ever.
CREATE MATERIALIZED VIEW q3_books_with_totals WITH (
  primary_key = 'author_id, book_id') AS
SELECT ba.author_id, ba.book_id, a.full_name, b.name AS book_name,
       b.first_publish_year,
       count(*) OVER (PARTITION BY a.author_id, b.first_publish_year)
         AS books_published_this_year,
       count(*) OVER (PARTITION BY a.author_id) AS total_books_published
FROM books_authors ba
JOIN books b ON b.book_id = ba.book_id
JOIN authors a ON a.author_id = ba.author_id;

-- --- reports -------------------------------------------------------------------

COPY (SELECT author, title FROM work_authors ORDER BY author, title)
  TO 'reports/authors_and_titles.csv' WITH (FORMAT csv, HEADER);
COPY (SELECT author, year, books FROM books_by_year ORDER BY author, year)
  TO 'reports/books_by_year.csv' WITH (FORMAT csv, HEADER);
COPY (SELECT author, average FROM avg_books_by_year ORDER BY author)
  TO 'reports/avg_books_by_year.csv' WITH (FORMAT csv, HEADER);
COPY (SELECT key, title, first_publish_year, author, author_firstname,
             author_lastname
      FROM fantasy_author_books ORDER BY key, author)
  TO 'reports/fantasy_author_books.csv' WITH (FORMAT csv, HEADER);
COPY (SELECT author, books, distinct_years, average
      FROM fantasy_books_per_year ORDER BY author)
  TO 'reports/fantasy_books_per_year.csv' WITH (FORMAT csv, HEADER);
COPY (SELECT author_id, full_name, first_name, last_name FROM authors
      ORDER BY author_id)
  TO 'reports/authors.csv' WITH (FORMAT csv, HEADER);
COPY (SELECT book_id, book_key, name, first_publish_year FROM books
      ORDER BY book_id)
  TO 'reports/books.csv' WITH (FORMAT csv, HEADER);
COPY (SELECT book_id, author_id FROM books_authors ORDER BY book_id, author_id)
  TO 'reports/books_authors.csv' WITH (FORMAT csv, HEADER);
COPY (SELECT author_id, first_publish_year, total_books_published
      FROM q1_books_each_year ORDER BY author_id, first_publish_year)
  TO 'reports/q1_books_each_year.csv' WITH (FORMAT csv, HEADER);
COPY (SELECT author_id, avg_books_published_per_year
      FROM q2_average_books_per_year ORDER BY author_id)
  TO 'reports/q2_average_books_per_year.csv' WITH (FORMAT csv, HEADER);
COPY (SELECT full_name, book_name, first_publish_year,
             books_published_this_year, total_books_published
      FROM q3_books_with_totals
      ORDER BY full_name, first_publish_year, book_name)
  TO 'reports/q3_books_with_totals.csv' WITH (FORMAT csv, HEADER);
