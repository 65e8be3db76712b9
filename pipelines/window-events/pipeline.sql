-- Window events: opened and closed, counted in windows of ten minutes.
--
--   data/events/*.csv -> bronze.events -> windows_10min -> average, top10_open
--
-- Events may be days out of order, and equal rows are separate events.
--
-- cupel run pipelines/window-events --drain

\set lateness '56 hours'
\set oldest '2000-01-01 00:00:00+00'

CREATE SERVER inbox FOREIGN DATA WRAPPER files OPTIONS (path 'data');

-- What is no event goes to the dead letters: no time, no action, another
-- action, a time to come or from before there were such events.
CREATE FOREIGN TABLE events (
  "time" timestamptz OPTIONS (watermark :'lateness') NOT NULL,
  action text NOT NULL,
  CONSTRAINT known_action CHECK (action IN ('Open', 'Close')),
  CONSTRAINT not_from_the_future CHECK ("time" <= now()),
  CONSTRAINT not_absurdly_old CHECK ("time" >= :'oldest')
) SERVER inbox OPTIONS (
  glob 'events/*.csv', format 'csv', mode 'append', topic 'bronze.events');

-- Every event counts, however late, until the watermark has passed its window.
CREATE MATERIALIZED VIEW windows_10min AS
SELECT window_start, window_end,
       count(*) FILTER (WHERE action = 'Close') AS close,
       count(*) FILTER (WHERE action = 'Open') AS open,
       count(*)::float8 / 2 AS avg_actions
FROM tumble(events, "time", interval '10 minutes')
GROUP BY window_start, window_end;

-- Over the windows that exist: the mean of their events.
CREATE MATERIALIZED VIEW average AS
SELECT avg((close + open)::float8) AS avg_total_actions
FROM windows_10min;

-- The busiest by Open; of equals the earlier window.
CREATE MATERIALIZED VIEW top10_open AS
SELECT rank, window_start, window_end, close, open
FROM (SELECT row_number() OVER (ORDER BY open DESC, window_start) AS rank, *
      FROM windows_10min) AS ranked
WHERE rank <= 10;

CREATE MATERIALIZED VIEW rejected AS
SELECT count(*) AS n FROM dead_letters(events);

-- Events that came after their window had left the state, to be looked at.
CREATE MATERIALIZED VIEW late AS
SELECT "time", action, window_start, window_end, watermark
FROM late_rows(windows_10min);

COPY (SELECT window_start, window_end, close, open, avg_actions
      FROM windows_10min ORDER BY window_start)
  TO 'reports/windows_10min.csv' WITH (FORMAT csv, HEADER);
COPY (SELECT avg_total_actions FROM average)
  TO 'reports/average.csv' WITH (FORMAT csv, HEADER);
COPY (SELECT rank, window_start, window_end, close, open
      FROM top10_open ORDER BY rank)
  TO 'reports/top10_open.csv' WITH (FORMAT csv, HEADER);
COPY (SELECT n FROM rejected)
  TO 'reports/rejected.csv' WITH (FORMAT csv, HEADER);
