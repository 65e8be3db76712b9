-- Purchases: daily snapshots of a table, kept as a history of versions (SCD2).
--
--   data/purchases_*.csv -> bronze.purchases -> purchases_history, current
--
-- cupel run pipelines/purchases-scd2 --drain
-- cupel run pipelines/purchases-scd2 --drain --set deletes=true
-- cupel run pipelines/purchases-scd2 --drain --set as_of=2023-07-21

-- What a purchase that is missing from the newest snapshot means: nothing, or
-- that it was deleted (its last version is closed, op 'D').
\set deletes 'false'
-- The day and the version that the two as-of reports show.
\set as_of '2023-07-21'
\set as_of_version 1
\set oldest '2000-01-01'

CREATE SERVER inbox FOREIGN DATA WRAPPER files OPTIONS (path 'data');

CREATE FOREIGN TABLE purchases (
  purchase_id bigint OPTIONS (column_name 'PurchaseID') NOT NULL,
  product bigint NOT NULL,
  user_id bigint OPTIONS (column_name 'user') NOT NULL,
  bought date OPTIONS (column_name 'date') NOT NULL,
  PRIMARY KEY (purchase_id),
  CONSTRAINT not_from_the_future CHECK (bought <= current_date),
  CONSTRAINT not_absurdly_old CHECK (bought >= :'oldest')
) SERVER inbox OPTIONS (
  glob 'purchases_*.csv', format 'csv', mode 'snapshot',
  topic 'bronze.purchases');

-- A version begins at the date of its row and ends where the next one begins.
CREATE MATERIALIZED VIEW purchases_history WITH (
  primary_key = 'purchase_id, version') AS
SELECT purchase_id, product, user_id, bought, version, valid_from, valid_until,
       op
FROM history(purchases, valid_at => bought, deletes => :deletes);

CREATE MATERIALIZED VIEW current AS
SELECT purchase_id, product, user_id, bought FROM purchases;

COPY (SELECT purchase_id, product, user_id, bought, version, valid_from,
             valid_until
      FROM purchases_history ORDER BY purchase_id, version)
  TO 'reports/history.csv' WITH (FORMAT csv, HEADER);
COPY (SELECT purchase_id, product, user_id, bought
      FROM current ORDER BY purchase_id)
  TO 'reports/current.csv' WITH (FORMAT csv, HEADER);

-- The table as it was on a day …
COPY (SELECT purchase_id, product, user_id, bought, version
      FROM purchases_history
      WHERE valid_from <= date :'as_of'
        AND (valid_until IS NULL OR valid_until > date :'as_of')
      ORDER BY purchase_id)
  TO 'reports/as_of.csv' WITH (FORMAT csv, HEADER);
-- … and with no purchase changed more often than this.
COPY (SELECT DISTINCT ON (purchase_id)
             purchase_id, product, user_id, bought, version
      FROM purchases_history
      WHERE version <= :as_of_version
      ORDER BY purchase_id, version DESC)
  TO 'reports/as_of_version.csv' WITH (FORMAT csv, HEADER);
