\set VERBOSITY terse
SELECT * FROM {{.Table}} ORDER BY id;
SELECT * FROM names ORDER BY id;
INSERT INTO {{.Table}} (first_name, {{.Column}}, email) VALUES ('Niklaus', 'Wirth', 'niklaus@example.com') RETURNING *;
UPDATE {{.Table}} SET {{.Column}} = 'W.' WHERE first_name = 'Niklaus' RETURNING version, initials, {{.Column}};
UPDATE {{.Table}} SET {{.Column}} = '' WHERE first_name = 'Niklaus';
INSERT INTO address (owner_id, street) VALUES (4711, 'Nowhere');
SELECT was, becomes FROM audit ORDER BY id;
SELECT full_name(1), full_name(id) FROM {{.Table}} ORDER BY id;
SELECT * FROM orders ORDER BY id;
SELECT * FROM address ORDER BY id;
SELECT * FROM event ORDER BY at;
SELECT * FROM name_counts ORDER BY times, {{.Column}};
SELECT * FROM reporting.by_city ORDER BY city;
SELECT * FROM coupon ORDER BY code;
REFRESH MATERIALIZED VIEW name_counts;
\d {{.Table}}
\d+ names
\d name_counts
