-- The two clean tables in PostgreSQL, besides all that ../pipeline.sql does.
--
--   weather ----------> tier.weather           by (city, date_time)
--   track_events -----> tier.track_events      by the event's key
--   track_events_file > tier.track_events_raw  every accepted record, appended
--
-- Tables are made when they are not there (the schema has to be).  Rows and
-- positions (tier.cupel_offsets) are committed together: a run again, or after
-- a kill, writes nothing twice.
--
-- cupel run pipelines/tier-tracks-weather/pipeline.sql \
--   pipelines/tier-tracks-weather/postgres/sink.sql \
--   --app tier-tracks-weather --drain --set host=localhost

\set host localhost
\set port 5432
\set dbname warehouse
\set user cupel
\set schema tier

CREATE SERVER warehouse FOREIGN DATA WRAPPER postgres
  OPTIONS (host :'host', port :'port', dbname :'dbname');
-- With a password: password_file 'secrets/password', password_env 'VARIABLE',
-- or what libpq reads by itself (PGPASSFILE, PGPASSWORD).
CREATE USER MAPPING FOR CURRENT_USER SERVER warehouse
  OPTIONS (username :'user');

\set weather_table :schema '.weather'
\set events_table :schema '.track_events'
\set raw_table :schema '.track_events_raw'

CREATE FOREIGN TABLE weather_in_postgres (
  city text, apparenttemperature numeric NOT NULL, humidity numeric NOT NULL,
  precipintensity numeric NOT NULL, precipprobability numeric NOT NULL,
  preciptype text, temperature numeric NOT NULL, visibility numeric NOT NULL,
  windspeed numeric NOT NULL, date_time timestamp,
  PRIMARY KEY (city, date_time)
) SERVER warehouse OPTIONS (table :'weather_table', mode 'upsert');

CREATE FOREIGN TABLE track_events_in_postgres (
  anonymous_id text, event_name text, original_timestamp_time timestamp,
  sent_time timestamp, received_time timestamp NOT NULL, timezone text,
  os_name text, os_version text, device_id text, device_type text,
  device_model text, device_manufacturer text, app_name text,
  app_version text, app_build text, properties_rating text,
  PRIMARY KEY (anonymous_id, event_name, original_timestamp_time, sent_time)
) SERVER warehouse OPTIONS (table :'events_table', mode 'upsert');

CREATE FOREIGN TABLE track_events_raw_in_postgres (
  anonymous_id text, event_name text, original_timestamp_time timestamp,
  sent_time timestamp, received_time timestamp, timezone text,
  properties_rating text
) SERVER warehouse OPTIONS (table :'raw_table', mode 'append');

INSERT INTO weather_in_postgres SELECT * FROM weather;
INSERT INTO track_events_in_postgres SELECT * FROM track_events;
INSERT INTO track_events_raw_in_postgres
SELECT anonymous_id, event_name, original_timestamp_time, sent_time,
       received_time, timezone, properties_rating
FROM track_events_file;
