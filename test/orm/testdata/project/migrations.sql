-- migration: same_type_again
ALTER TABLE {{.Table}} ALTER COLUMN {{.Column}} TYPE text;

ALTER TABLE {{.Table}} ALTER COLUMN {{.Column}} SET NOT NULL;

-- migration: add_email
ALTER TABLE {{.Table}} ADD COLUMN email text;

UPDATE {{.Table}} SET email = lower(first_name || '.' || {{.Column}}) || '@example.com';

ALTER TABLE {{.Table}} ALTER COLUMN email SET NOT NULL;

CREATE UNIQUE INDEX people_email ON {{.Table}} (email);

-- migration: create_address
CREATE TABLE address (
  id bigserial CONSTRAINT address_key PRIMARY KEY,
  owner_id bigint NOT NULL REFERENCES {{.Table}} (id) ON DELETE CASCADE,
  street text NOT NULL
);

CREATE INDEX address_owner ON address (owner_id);

INSERT INTO address (owner_id, street) SELECT id, {{.Column}} || ' Street' FROM {{.Table}} ORDER BY id;

-- migration: order_status
CREATE TYPE order_status AS ENUM ('new', 'paid', 'sent');

ALTER TABLE orders ADD COLUMN status order_status NOT NULL DEFAULT 'new';

UPDATE orders SET status = 'paid' FROM {{.Table}} p WHERE p.id = person_id AND p.{{.Column}} = 'Lovelace';

-- migration: touch
ALTER TABLE {{.Table}} ADD COLUMN version int NOT NULL DEFAULT 1;

CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.version := OLD.version + 1;
  RETURN NEW;
END
$$;

CREATE TRIGGER touched BEFORE UPDATE ON {{.Table}} FOR EACH ROW EXECUTE FUNCTION touch();

UPDATE {{.Table}} SET {{.Column}} = upper({{.Column}}) WHERE id = 1;

-- migration: names_view
CREATE VIEW names AS SELECT id, first_name, {{.Column}} FROM {{.Table}};

-- migration: names_view_with_email
CREATE OR REPLACE VIEW names AS SELECT id, first_name, {{.Column}}, email FROM {{.Table}} WHERE email <> '';

-- migration: phone_where_missing
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM information_schema.columns WHERE table_schema = 'public' AND table_name = '{{.Table}}' AND column_name = 'phone') THEN
    ALTER TABLE {{.Table}} ADD COLUMN phone text;
  END IF;
END
$$;

UPDATE {{.Table}} SET phone = '+1' || id;

-- migration: more_people
INSERT INTO {{.Table}} (first_name, {{.Column}}, email) VALUES ('Alan', 'Turing', 'alan@example.com'), ('Kurt', 'Goedel', 'kurt@example.com');

INSERT INTO {{.Table}} (first_name, {{.Column}}, email) VALUES ('Alan', 'M. Turing', 'alan@example.com')
  ON CONFLICT (email) DO UPDATE SET {{.Column}} = excluded.{{.Column}};

-- migration: name_given
ALTER TABLE {{.Table}} ADD CONSTRAINT name_given CHECK ({{.Column}} <> '') NOT VALID;

ALTER TABLE {{.Table}} VALIDATE CONSTRAINT name_given;

-- migration: name_index
CREATE INDEX people_name ON {{.Table}} (lower({{.Column}}), first_name);

-- migration: audit
CREATE TABLE audit (id bigserial PRIMARY KEY, person_id bigint, was text, becomes text);

CREATE FUNCTION audit_name() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO audit (person_id, was, becomes) VALUES (OLD.id, OLD.{{.Column}}, NEW.{{.Column}});
  RETURN NULL;
END
$$;

CREATE TRIGGER audited AFTER UPDATE OF {{.Column}} ON {{.Table}} FOR EACH ROW
  WHEN (OLD.{{.Column}} IS DISTINCT FROM NEW.{{.Column}}) EXECUTE FUNCTION audit_name();

UPDATE {{.Table}} SET {{.Column}} = 'Byron' WHERE id = 1;

-- migration: product
ALTER TABLE orders RENAME COLUMN item TO product;

UPDATE orders SET product = upper(product);

-- migration: full_name
CREATE FUNCTION full_name(bigint) RETURNS text LANGUAGE sql STABLE AS 'SELECT first_name || '' '' || {{.Column}} FROM {{.Table}} WHERE id = $1';

COMMENT ON FUNCTION full_name(bigint) IS 'how somebody is called';

-- migration: label
ALTER TABLE orders ADD COLUMN label text;

UPDATE orders SET label = full_name(person_id);

-- migration: import
CREATE TEMP TABLE import (first text, last text);

INSERT INTO import VALUES ('Tony', 'Hoare'), ('Donald', 'Knuth');

INSERT INTO {{.Table}} (first_name, {{.Column}}, email) SELECT first, last, last || '@example.com' FROM import ORDER BY last;

DROP TABLE import;

-- migration: name_counts
CREATE MATERIALIZED VIEW name_counts AS SELECT {{.Column}}, count(*) AS times FROM {{.Table}} GROUP BY {{.Column}};

CREATE UNIQUE INDEX name_counts_name ON name_counts ({{.Column}});

REFRESH MATERIALIZED VIEW name_counts;

-- migration: quantity_bigint
ALTER TABLE orders ALTER COLUMN quantity TYPE bigint;

UPDATE orders SET quantity = 5000000000 WHERE id = 1;

-- migration: grants
GRANT SELECT ON {{.Table}} TO PUBLIC;

GRANT UPDATE ({{.Column}}) ON {{.Table}} TO PUBLIC;

REVOKE UPDATE ({{.Column}}) ON {{.Table}} FROM PUBLIC;

-- migration: events
CREATE TABLE event (at date NOT NULL, person_id bigint REFERENCES {{.Table}}, what text) PARTITION BY RANGE (at);

CREATE TABLE event_2025 PARTITION OF event FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');

CREATE TABLE event_2026 PARTITION OF event FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');

INSERT INTO event SELECT date '2025-12-30' + id::int, id, {{.Column}} FROM {{.Table}} ORDER BY id;

-- migration: profile
ALTER TABLE {{.Table}} ADD COLUMN profile jsonb NOT NULL DEFAULT '{}';

UPDATE {{.Table}} SET profile = jsonb_build_object('name', {{.Column}}, 'city', city) WHERE city IS NOT NULL;

CREATE INDEX people_profile ON {{.Table}} USING gin (profile);

-- migration: manager
ALTER TABLE {{.Table}} ADD COLUMN manager_id bigint CONSTRAINT managed_by REFERENCES {{.Table}};

UPDATE {{.Table}} p SET manager_id = m.id FROM {{.Table}} m WHERE m.{{.Column}} = 'Hopper' AND p.id > 4;

-- migration: comments
COMMENT ON TABLE {{.Table}} IS 'who buys';

COMMENT ON COLUMN {{.Table}}.{{.Column}} IS 'the family''s name';

-- migration: defaults
ALTER TABLE {{.Table}} ALTER COLUMN city SET DEFAULT 'Delft';

ALTER TABLE orders DROP COLUMN legacy;

INSERT INTO {{.Table}} (first_name, {{.Column}}, email) VALUES ('Robin', 'Milner', 'robin@example.com');

-- migration: initials
ALTER TABLE {{.Table}} ADD COLUMN initials text GENERATED ALWAYS AS (left(first_name, 1) || left({{.Column}}, 1)) STORED;

CREATE INDEX people_initials ON {{.Table}} (initials);

-- migration: labels
DO $$
DECLARE r record;
BEGIN
  FOR r IN SELECT id, {{.Column}}, initials FROM {{.Table}} ORDER BY id LOOP
    UPDATE orders SET label = r.{{.Column}} || ' ' || r.initials WHERE person_id = r.id;
  END LOOP;
END
$$;

-- migration: policy
ALTER TABLE {{.Table}} ENABLE ROW LEVEL SECURITY;

CREATE POLICY no_secrets ON {{.Table}} USING ({{.Column}} <> 'secret');
-- down
DROP POLICY no_secrets ON {{.Table}};

ALTER TABLE {{.Table}} DISABLE ROW LEVEL SECURITY;

-- migration: reporting
CREATE SCHEMA reporting;

CREATE VIEW reporting.by_city AS SELECT city, count(*) AS people, max({{.Column}}) AS last FROM {{.Table}} GROUP BY city;
-- down
DROP VIEW reporting.by_city;

DROP SCHEMA reporting;

-- migration: coupons
CREATE TABLE coupon (code text PRIMARY KEY, person_id bigint NOT NULL REFERENCES {{.Table}});

WITH lucky AS (UPDATE {{.Table}} SET city = 'Paris' WHERE {{.Column}} LIKE 'H%' RETURNING id, {{.Column}})
INSERT INTO coupon SELECT 'for ' || {{.Column}}, id FROM lucky;
-- down
DROP TABLE coupon;

-- migration: cleanup
DROP INDEX people_name;

ALTER TABLE {{.Table}} DROP COLUMN phone;

ALTER TABLE {{.Table}} RENAME CONSTRAINT name_given TO name_is_given;
-- down
ALTER TABLE {{.Table}} RENAME CONSTRAINT name_is_given TO name_given;

ALTER TABLE {{.Table}} ADD COLUMN phone text;

CREATE INDEX people_name ON {{.Table}} (lower({{.Column}}), first_name);
