-- Fleet sensors: trucks that report what they measure, with sensors that are
-- fitted later.
--
--   data/readings_*.json -> bronze.readings -> hourly, newest, columns_seen
--                                           -> tyres (a sensor that came later)
--
-- cupel run pipelines/fleet-sensors --drain

CREATE SERVER inbox FOREIGN DATA WRAPPER files OPTIONS (path 'data');

-- A reading has a time and some of the sensors. What it has besides is kept as
-- it came, in `reading`, so nothing is lost before somebody declares it.
CREATE FOREIGN TABLE readings (
  truck text NOT NULL,
  ts timestamptz NOT NULL,
  speed numeric,
  engine_temp numeric,
  oil_pressure numeric,
  coolant_temp numeric,
  fuel_level numeric,
  battery_voltage numeric,
  rpm numeric,
  load_weight numeric,
  cabin_temp numeric,
  odometer numeric,
  reading jsonb OPTIONS (path '$'),
  CONSTRAINT not_from_the_future CHECK (ts <= now())
) SERVER inbox OPTIONS (
  glob 'readings_*.json', format 'json', mode 'append',
  topic 'bronze.readings');

CREATE MATERIALIZED VIEW hourly AS
SELECT truck, date_trunc('hour', ts) AS hour, count(*) AS readings,
       round(avg(speed), 2) AS speed, max(engine_temp) AS hottest,
       max(odometer) - min(odometer) AS distance
FROM readings
GROUP BY truck, date_trunc('hour', ts);

-- Whatever a reading measures, declared or not, as a row.
CREATE VIEW measured AS
SELECT r.truck, r.ts, m.key AS sensor, m.value
FROM readings AS r, jsonb_each(r.reading) AS m
WHERE jsonb_typeof(m.value) = 'number';

CREATE MATERIALIZED VIEW newest AS
SELECT DISTINCT ON (truck, sensor) truck, sensor, value::numeric AS value, ts
FROM measured
ORDER BY truck, sensor, ts DESC;

-- When a column appeared, with no statement for it: the first reading of any
-- truck that has it.
CREATE MATERIALIZED VIEW columns_seen AS
SELECT m.column_name, min(r.ts) AS first_seen, count(*) AS readings
FROM readings AS r, jsonb_object_keys(r.reading) AS m(column_name)
GROUP BY m.column_name;

-- The sensor that came later, once somebody cares. The views above stay what
-- they are, with all they have counted; old readings have NULL.
ALTER FOREIGN TABLE readings ADD COLUMN tyre_pressure numeric;

CREATE MATERIALIZED VIEW tyres AS
SELECT truck, count(tyre_pressure) AS readings,
       count(*) - count(tyre_pressure) AS without,
       min(tyre_pressure) AS lowest,
       min(ts) FILTER (WHERE tyre_pressure IS NOT NULL) AS fitted
FROM readings
GROUP BY truck;

CREATE MATERIALIZED VIEW rejected AS
SELECT count(*) AS n FROM dead_letters(readings);

COPY (SELECT truck, hour, readings, speed, hottest, distance
      FROM hourly ORDER BY truck, hour)
  TO 'reports/hourly.csv' WITH (FORMAT csv, HEADER);
COPY (SELECT truck, sensor, value, ts FROM newest ORDER BY truck, sensor)
  TO 'reports/newest.csv' WITH (FORMAT csv, HEADER);
COPY (SELECT column_name, first_seen, readings
      FROM columns_seen ORDER BY first_seen, column_name)
  TO 'reports/columns_seen.csv' WITH (FORMAT csv, HEADER);
COPY (SELECT truck, readings, without, lowest, fitted
      FROM tyres ORDER BY truck)
  TO 'reports/tyres.csv' WITH (FORMAT csv, HEADER);
COPY (SELECT n FROM rejected)
  TO 'reports/rejected.csv' WITH (FORMAT csv, HEADER);
