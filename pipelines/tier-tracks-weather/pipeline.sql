-- Tracks and weather: two clean tables from broken arrays of JSON.
--
--   data/weather.json        -> bronze.weather        -> weather
--   data/track_events.json   -> bronze.track_events   -> track_events
--                                  events with the weather of their hour
--
-- The files open with [, have a comma at each line's end and may lack the
-- closing ].  Keys bear a prefix with a dot; numbers keep every digit.
--
-- cupel run pipelines/tier-tracks-weather --drain
-- and into PostgreSQL as well: see postgres/sink.sql

CREATE SERVER inbox FOREIGN DATA WRAPPER files OPTIONS (path 'data');

CREATE FOREIGN TABLE weather_file (
  city text OPTIONS (path '$["weather_data.city"]') NOT NULL,
  apparenttemperature numeric NOT NULL,
  humidity numeric NOT NULL,
  precipintensity numeric NOT NULL,
  precipprobability numeric NOT NULL,
  preciptype text,
  temperature numeric NOT NULL,
  visibility numeric NOT NULL,
  windspeed numeric NOT NULL,
  date_time timestamp OPTIONS (path '$["weather_data.date_time"]') NOT NULL
) SERVER inbox OPTIONS (
  glob 'weather.json', format 'json', mode 'append',
  path '$["weather_data.currently_{column}"]', topic 'bronze.weather');

CREATE FOREIGN TABLE track_events_file (
  anonymous_id text OPTIONS (path '$["segment_tracks.anonymous_id"]') NOT NULL,
  event_name text OPTIONS (path '$["segment_tracks.event_name"]') NOT NULL,
  original_timestamp_time timestamp
    OPTIONS (path '$["segment_tracks.original_timestamp_time"]') NOT NULL,
  sent_time timestamp OPTIONS (path '$["segment_tracks.sent_time"]') NOT NULL,
  received_time timestamp
    OPTIONS (path '$["segment_tracks.received_time"]') NOT NULL,
  timezone text, os_name text, os_version text,
  device_id text, device_type text, device_model text,
  device_manufacturer text,
  app_name text, app_version text, app_build text,
  properties_rating text
    OPTIONS (path '$["segment_tracks.properties_rating"]')
) SERVER inbox OPTIONS (
  glob 'track_events.json', format 'json', mode 'append',
  path '$["segment_tracks.context_{column}"]', topic 'bronze.track_events');

CREATE MATERIALIZED VIEW weather WITH (primary_key = 'city, date_time') AS
SELECT DISTINCT ON (city, date_time) *
FROM weather_file
ORDER BY city, date_time;

-- There is no message id: these four columns together are one event.
CREATE MATERIALIZED VIEW track_events AS
SELECT DISTINCT ON (anonymous_id, event_name, original_timestamp_time,
                    sent_time) *
FROM track_events_file
ORDER BY anonymous_id, event_name, original_timestamp_time, sent_time,
         received_time;

-- The weather of an event: its city's newest report at the event's time.
CREATE MATERIALIZED VIEW events_with_weather AS
SELECT e.anonymous_id, e.event_name, e.original_timestamp_time, e.sent_time,
       e.city, w.temperature, w.apparenttemperature, w.humidity,
       w.precipintensity, w.precipprobability, w.preciptype, w.visibility,
       w.windspeed, w.date_time AS weather_time
FROM (SELECT *, split_part(timezone, '/', 2) AS city FROM track_events) AS e
LEFT JOIN LATERAL (
  SELECT * FROM weather
  WHERE weather.city = e.city
    AND weather.date_time <= e.original_timestamp_time
  ORDER BY weather.date_time DESC LIMIT 1) AS w ON true;

CREATE MATERIALIZED VIEW rejected WITH (primary_key = 'table_name') AS
SELECT 'track_events' AS table_name, count(*) AS n
FROM dead_letters(track_events_file)
UNION ALL
SELECT 'weather', count(*) FROM dead_letters(weather_file);

COPY (SELECT city, apparenttemperature, humidity, precipintensity,
             precipprobability, preciptype, temperature, visibility, windspeed,
             date_time
      FROM weather ORDER BY city, date_time)
  TO 'reports/weather.csv' WITH (FORMAT csv, HEADER);
COPY (SELECT anonymous_id, event_name, original_timestamp_time, sent_time,
             received_time, timezone, os_name, os_version, device_id,
             app_version, properties_rating
      FROM track_events
      ORDER BY anonymous_id, original_timestamp_time, event_name, sent_time)
  TO 'reports/track_events.csv' WITH (FORMAT csv, HEADER);
COPY (SELECT * FROM events_with_weather
      ORDER BY anonymous_id, original_timestamp_time, event_name, sent_time)
  TO 'reports/events_with_weather.csv' WITH (FORMAT csv, HEADER);
COPY (SELECT table_name, n FROM rejected ORDER BY table_name)
  TO 'reports/rejected.csv' WITH (FORMAT csv, HEADER);
