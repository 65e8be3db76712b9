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
  require '$.works, $.work_count', every '1 day',
  topic 'bronze.openlibrary.subjects');

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

-- An aggregate over an aggregate: corrections flow through.
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

CREATE MATERIALIZED VIEW fantasy_books_per_year AS
SELECT author, count(*) AS books,
       count(DISTINCT first_publish_year) AS distinct_years,
       round(count(*)::numeric / nullif(count(DISTINCT first_publish_year), 0),
             2) AS average
FROM fantasy_author_books
GROUP BY author;

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
