# What an app does with psycopg2, printed so that two runs can be compared. The names are those of the app's version.
import io
import os

import psycopg2
import psycopg2.extras

TABLE, COLUMN = os.environ["TABLE"], os.environ["COLUMN"]


def names(sql):
    return sql.replace("{t}", TABLE).replace("{c}", COLUMN)


def show(title, cursor):
    print(title, [d.name for d in cursor.description], [d.type_code for d in cursor.description])
    for row in cursor:
        print("   ", row)


def failing(conn, sql, args=None):
    try:
        with conn.cursor() as cur:
            cur.execute(names(sql), args)
    except psycopg2.Error as e:
        d = e.diag
        print("error", type(e).__name__, e.pgcode, d.message_primary, d.statement_position, d.table_name, d.column_name,
              d.constraint_name, "aborted" if conn.status == psycopg2.extensions.STATUS_IN_TRANSACTION else "")
    else:
        print("no error:", sql)


conn = psycopg2.connect(os.environ["URL"])
cur = conn.cursor()

cur.execute(names("SELECT * FROM {t} ORDER BY id"))
show("all", cur)
cur.execute(names("SELECT p.{c}, count(o.*) FROM {t} p LEFT JOIN orders o ON o.person_id = p.id WHERE p.{c} LIKE %s GROUP BY p.id ORDER BY 1"), ("%o%",))
show("join", cur)

cur.execute(names("INSERT INTO {t} (first_name, {c}) VALUES (%s, %s) RETURNING id, {c}"), ("Alan", "Turing"))
show("insert", cur)
cur.executemany(names("INSERT INTO {t} (first_name, {c}, city) VALUES (%s, %s, %s)"),
                [("John", "Backus", None), ("Tony", "O'Hoare", "Oxford"), ("Kristen", "Nygaard", "Oslo")])
print("executemany", cur.rowcount)
psycopg2.extras.execute_values(cur, names("INSERT INTO {t} (first_name, {c}) VALUES %s RETURNING {c}"),
                               [("Peter", "Naur"), ("Robin", "Milner")])
show("execute_values", cur)
psycopg2.extras.execute_batch(cur, names("UPDATE {t} SET {c} = {c} || %s WHERE first_name = %s"), [("!", "Alan"), ("?", "John")])
conn.commit()

# Server-side cursors: DECLARE and FETCH.
with conn.cursor(name="server_side") as named:
    named.itersize = 3
    named.execute(names("SELECT id, {c} FROM {t} ORDER BY id"))
    for row in named:
        print("cursor", row)
with conn.cursor(name="scrolling", scrollable=True, withhold=True) as named:
    named.execute(names("SELECT {c} FROM {t} ORDER BY {c}"))
    conn.commit()
    named.scroll(4)
    print("scrolled", named.fetchone())
    named.scroll(-3)
    print("scrolled", named.fetchmany(2))

out = io.StringIO()
cur.copy_expert(names("COPY {t} (id, {c}) TO STDOUT WITH (FORMAT csv, HEADER)"), out)
print(out.getvalue())
out = io.StringIO()
cur.copy_expert(names("COPY (SELECT {c}, city FROM {t} ORDER BY {c}) TO STDOUT"), out)
print(out.getvalue())
cur.copy_expert(names("COPY {t} (first_name, {c}) FROM STDIN"), io.StringIO("Niklaus\tWirth\nOle-Johan\tDahl\n"))
print("copied", cur.rowcount)
out = io.StringIO()
cur.copy_to(out, TABLE, columns=("first_name", COLUMN))
print(out.getvalue())
cur.copy_from(io.StringIO("Leslie,Lamport\n"), TABLE, sep=",", columns=("first_name", COLUMN))
print("copied", cur.rowcount)
conn.commit()

failing(conn, "SELECT nonsense, {c} FROM {t}")
failing(conn, "SELECT {c} FROM {t}")
conn.rollback()
failing(conn, "INSERT INTO {t} (first_name, {c}) VALUES ('Nobody', '')")
conn.rollback()
failing(conn, "INSERT INTO {t} (first_name) VALUES ('Nobody')")
conn.rollback()
failing(conn, "SELECT {c} FROM {t} WHERE id = %s", ("x",))
conn.rollback()

conn.autocommit = True
with conn.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as dicts:
    dicts.execute(names("SELECT first_name, {c} FROM {t} WHERE id < 4 ORDER BY id"))
    for row in dicts:
        print("dict", dict(row))
with conn.cursor(cursor_factory=psycopg2.extras.NamedTupleCursor) as tuples:
    tuples.execute(names("SELECT * FROM {t} WHERE id = 1"))
    print("tuple", tuples.fetchone()._fields)
cur = conn.cursor()
cur.execute(names("SELECT 1; SELECT {c} FROM {t} WHERE id = 2"))
show("last of several", cur)
cur.execute("DELETE FROM orders")
cur.execute(names("DELETE FROM {t} WHERE {c} > 'M' RETURNING {c}"))
print("deleted", sorted(cur.fetchall()))
conn.close()
