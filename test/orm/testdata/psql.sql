\d
\d+
\d {{.Table}}
\d+ {{.Table}}
\d+ {{.QuotedTable}}
\d+ visit
\d+ visit_2026
\d+ orders
\d customer
\dt
\dt+
\dt {{.QuotedTable}}
\dt nothing
\di
\di+
\ds+
\dv
\dp
\dp {{.Table}}
\ddp
\df
\df+
\sf full_name
\sf full_line
\sv customer
\d+ customer
\dT
\dT+
\dP
\dPi+
\dC {{.Table}}
\dd
\dRp
SELECT * FROM {{.Table}} \gdesc
SELECT {{.QuotedColumn}}, "Item" FROM {{.QuotedTable}} ORDER BY 1 \g
\copy {{.Table}} (first_name, {{.Column}}) FROM STDIN
Alan	Turing
Tony	Hoare
\.
\copy {{.Table}} TO STDOUT WITH (FORMAT csv, HEADER)
\copy (SELECT {{.Column}} FROM {{.Table}} ORDER BY 1) TO STDOUT
\copy {{.QuotedTable}} ({{.QuotedColumn}}) TO STDOUT
\copy visit TO STDOUT CSV HEADER
TABLE customer ORDER BY id;
SELECT full_name(p.id) FROM {{.Table}} AS p ORDER BY 1;
SELECT full_line(l), l.full_line FROM {{.QuotedTable}} AS l ORDER BY 1;
\set FETCH_COUNT 2
SELECT {{.Column}} FROM {{.Table}} ORDER BY 1;
SELECT nothing FROM {{.Table}};
