import java.io.StringReader;
import java.io.StringWriter;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.Properties;
import org.postgresql.PGConnection;
import org.postgresql.PGResultSetMetaData;
import org.postgresql.copy.CopyManager;

/** What an app and its tools do with pgjdbc, printed so that two runs can be compared. */
public class Shop {
    static final String TABLE = System.getenv("TABLE"), COLUMN = System.getenv("COLUMN"), PARTITIONED = System.getenv("PARTITIONED_COLUMN");
    static final String QUOTED_TABLE = System.getenv("QUOTED_TABLE"), QUOTED_COLUMN = System.getenv("QUOTED_COLUMN");

    static String names(String sql) {
        return sql.replace("{t}", TABLE).replace("{c}", COLUMN).replace("{p}", PARTITIONED)
                .replace("{T}", '"' + QUOTED_TABLE + '"').replace("{C}", '"' + QUOTED_COLUMN + '"');
    }

    static Connection connect(String... settings) throws SQLException {
        Properties p = new Properties();
        p.setProperty("user", System.getenv("PGUSER"));
        p.setProperty("options", System.getenv("PGOPTIONS"));
        for (int i = 0; i < settings.length; i += 2) {
            p.setProperty(settings[i], settings[i + 1]);
        }
        return DriverManager.getConnection("jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE"), p);
    }

    /** Prints a whole result, with the labels of its columns, and closes it. */
    static void show(String title, ResultSet rows) throws SQLException {
        ResultSetMetaData columns = rows.getMetaData();
        StringBuilder line = new StringBuilder("== " + title + ":");
        for (int i = 1; i <= columns.getColumnCount(); i++) {
            line.append(' ').append(columns.getColumnLabel(i)).append('/').append(columns.getColumnTypeName(i));
        }
        System.out.println(line);
        while (rows.next()) {
            line.setLength(0);
            for (int i = 1; i <= columns.getColumnCount(); i++) {
                line.append(" | ").append(rows.getString(i));
            }
            System.out.println(line);
        }
        rows.close();
    }

    interface Work {
        void run() throws Exception;
    }

    /** Runs what fails and prints how. */
    static void failing(String title, Work work) throws Exception {
        try {
            work.run();
            System.out.println("== " + title + ": no error");
        } catch (SQLException e) {
            System.out.println("== " + title + ": " + e.getSQLState() + " " + e.getMessage());
        }
    }

    public static void main(String[] args) throws Exception {
        try (Connection c = connect()) {
            for (String table : new String[] {TABLE, "orders", QUOTED_TABLE, "visit", "customer"}) {
                describe(c.getMetaData(), table);
            }
            schema(c.getMetaData());
            results(c);
            updatable(c);
            keys(c);
            copy(c);
            transactions(c);
        }
        for (String mode : new String[] {"simple", "extended", "extendedForPrepared", "extendedCacheEverything"}) {
            try (Connection c = connect("preferQueryMode", mode, "prepareThreshold", "2", "reWriteBatchedInserts", "true")) {
                prepared(c, mode);
                batches(c, mode);
                cursors(c, mode);
            }
        }
    }

    /** What schema tools ask of one table: Hibernate, Liquibase, Flyway and others. */
    static void describe(DatabaseMetaData m, String table) throws SQLException {
        show(table + " tables", m.getTables(null, "public", table, null));
        show(table + " columns", m.getColumns(null, "public", table, "%"));
        show(table + " primary keys", m.getPrimaryKeys(null, "public", table));
        show(table + " imported keys", m.getImportedKeys(null, "public", table));
        show(table + " exported keys", m.getExportedKeys(null, "public", table));
        show(table + " indexes", m.getIndexInfo(null, "public", table, false, false));
        show(table + " unique indexes", m.getIndexInfo(null, "public", table, true, true));
        show(table + " best row", m.getBestRowIdentifier(null, "public", table, DatabaseMetaData.bestRowSession, true));
        show(table + " version columns", m.getVersionColumns(null, "public", table));
        show(table + " table privileges", m.getTablePrivileges(null, "public", table));
        show(table + " column privileges", m.getColumnPrivileges(null, "public", table, "%"));
    }

    static void schema(DatabaseMetaData m) throws SQLException {
        show("all tables", m.getTables(null, "public", "%", new String[] {"TABLE", "VIEW", "PARTITIONED TABLE", "SEQUENCE", "INDEX", "TYPE"}));
        show("columns by name", m.getColumns(null, null, "%", COLUMN));
        show("columns like", m.getColumns(null, "public", "%", COLUMN.substring(0, 3) + "%"));
        show("cross reference", m.getCrossReference(null, "public", TABLE, null, "public", "orders"));
        show("functions", m.getFunctions(null, "public", "%"));
        show("function columns", m.getFunctionColumns(null, "public", "%", "%"));
        show("procedures", m.getProcedures(null, "public", "%"));
        show("user types", m.getUDTs(null, "public", "%", null));
        show("schemas", m.getSchemas(null, "pub%"));
        show("table types", m.getTableTypes());
        ResultSet types = m.getTypeInfo();
        while (types.next()) {
            String name = types.getString("TYPE_NAME");
            if (!name.contains("pg_") && (name.contains(TABLE) || name.contains(QUOTED_TABLE) || name.startsWith("order") || name.startsWith("int"))) {
                System.out.println("type " + name + " " + types.getInt("DATA_TYPE"));
            }
        }
        types.close();
    }

    /** What a result says of the table and column that it comes from is looked up by OID in the catalogs. */
    static void results(Connection c) throws SQLException {
        for (String sql : new String[] {"SELECT * FROM {t} ORDER BY id", "SELECT {c} AS family, x.id, lower({c}), {c} FROM {t} x ORDER BY 2",
                "SELECT l.*, o.total FROM {T} l JOIN orders o ON o.id = l.\"OrderId\" ORDER BY 1, 2", "TABLE customer ORDER BY id",
                "SELECT {p}, at FROM visit ORDER BY 2", "SELECT x, x.{c}, full_name(x.id) FROM {t} x ORDER BY id"}) {
            try (PreparedStatement s = c.prepareStatement(names(sql))) {
                ResultSetMetaData early = s.getMetaData();
                for (int i = 1; i <= early.getColumnCount(); i++) {
                    PGResultSetMetaData pg = (PGResultSetMetaData) early;
                    System.out.println(early.getColumnLabel(i) + ": " + early.getSchemaName(i) + " " + early.getTableName(i) + " " + early.getColumnName(i)
                            + " " + pg.getBaseSchemaName(i) + "." + pg.getBaseTableName(i) + "." + pg.getBaseColumnName(i) + " " + early.getColumnTypeName(i) + " " + early.getColumnClassName(i)
                            + " " + early.isNullable(i) + early.isAutoIncrement(i) + early.getPrecision(i) + "," + early.getScale(i) + "," + early.getColumnDisplaySize(i));
                }
                show(names(sql), s.executeQuery());
            }
        }
        try (PreparedStatement s = c.prepareStatement(names("UPDATE {t} SET {c} = ?, born = ? WHERE id = ?"))) {
            for (int i = 1; i <= s.getParameterMetaData().getParameterCount(); i++) {
                System.out.println("parameter " + s.getParameterMetaData().getParameterTypeName(i));
            }
        }
    }

    /** An updatable result looks up the primary key, and writes with the names that it found. */
    static void updatable(Connection c) throws SQLException {
        try (Statement s = c.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_UPDATABLE)) {
            ResultSet rows = s.executeQuery(names("SELECT * FROM {t} ORDER BY id"));
            rows.first();
            rows.updateString(COLUMN, "King");
            rows.updateRow();
            rows.refreshRow();
            System.out.println("updated " + rows.getString(COLUMN));
            rows.moveToInsertRow();
            rows.updateLong("id", 50);
            rows.updateString("first_name", "Alan");
            rows.updateString(COLUMN, "Turing");
            rows.insertRow();
            rows.last();
            System.out.println("inserted " + rows.getString("id") + rows.getString(COLUMN));
            rows.deleteRow();
            rows.close();
            rows = s.executeQuery(names("SELECT \"OrderId\", \"Line\", {C} FROM {T} ORDER BY 1, 2"));
            rows.absolute(2);
            rows.updateInt(QUOTED_COLUMN, 6);
            rows.updateRow();
            rows.close();
            show("after updates", s.executeQuery(names("SELECT l.*, x.{c} FROM {T} l, {t} x WHERE x.id = 1 ORDER BY 1, 2")));
        }
    }

    static void keys(Connection c) throws Exception {
        String insert = names("INSERT INTO {t} (first_name, {c}) VALUES (?, ?)");
        try (PreparedStatement s = c.prepareStatement(insert, Statement.RETURN_GENERATED_KEYS)) {
            s.setString(1, "John");
            s.setString(2, "Backus");
            s.executeUpdate();
            show("generated keys", s.getGeneratedKeys());
        }
        try (PreparedStatement s = c.prepareStatement(insert, new String[] {"id", COLUMN})) {
            s.setString(1, "Peter");
            s.setString(2, "Naur");
            s.executeUpdate();
            show("generated columns", s.getGeneratedKeys());
        }
        failing("generated columns that are not there", () -> c.createStatement().execute(names("INSERT INTO {t} (first_name, {c}) VALUES ('x', 'y')"), new String[] {"nothing"}));
        failing("a name that is not there", () -> show("", c.createStatement().executeQuery(names("SELECT nothing, {c} FROM {t}"))));
        failing("a constraint", () -> c.createStatement().execute(names("INSERT INTO {t} (first_name, {c}) VALUES ('x', '')")));
        failing("a null", () -> c.createStatement().execute(names("INSERT INTO {t} (first_name, {c}) VALUES ('x', NULL)")));
        failing("another constraint", () -> c.createStatement().execute(names("INSERT INTO {T} VALUES (1, 9, 2, 'tea')")));
    }

    static void copy(Connection c) throws Exception {
        CopyManager copies = c.unwrap(PGConnection.class).getCopyAPI();
        System.out.println(copies.copyIn(names("COPY {t} (first_name, {c}) FROM STDIN"), new StringReader("Tony\tHoare\nKristen\tNygaard\n")));
        StringWriter out = new StringWriter();
        copies.copyOut(names("COPY {t} TO STDOUT WITH (FORMAT csv, HEADER)"), out);
        copies.copyOut(names("COPY {T} ({C}, \"Item\") TO STDOUT"), out);
        System.out.println(out);
    }

    static void transactions(Connection c) throws Exception {
        c.setAutoCommit(false);
        try (Statement s = c.createStatement()) {
            s.executeUpdate(names("UPDATE {t} SET {c} = upper({c}) WHERE id = 2"));
            Savepoint p = c.setSavepoint("here");
            failing("in a transaction", () -> s.executeUpdate(names("UPDATE {t} SET nothing = 1")));
            failing("in a failed transaction", () -> s.executeQuery(names("SELECT {c} FROM {t}")));
            c.rollback(p);
            show("after the savepoint", s.executeQuery(names("SELECT {c} FROM {t} WHERE id = 2 FOR UPDATE")));
            s.execute(names("UPDATE visit SET {p} = {p} || '?' WHERE person_id = 2; SELECT {c}, {p} FROM {t}, visit WHERE person_id = id ORDER BY 2"));
            s.getMoreResults();
            show("the second of two", s.getResultSet());
        }
        c.rollback();
        c.setAutoCommit(true);
    }

    /** Executed again and again, the statement becomes a named one of the server, and its values binary. */
    static void prepared(Connection c, String mode) throws SQLException {
        try (PreparedStatement s = c.prepareStatement(names("SELECT id, {c}, created_at FROM {t} WHERE {c} LIKE ? ORDER BY id"))) {
            for (int i = 0; i < 4; i++) {
                s.setString(1, "%o%");
                show(mode + " " + i, s.executeQuery());
            }
            System.out.println(s.getMetaData().getColumnName(2));
        }
    }

    /** With reWriteBatchedInserts the driver makes one INSERT of many. */
    static void batches(Connection c, String mode) throws SQLException {
        try (PreparedStatement s = c.prepareStatement(names("INSERT INTO {T} (\"OrderId\", \"Line\", {C}, \"Item\") VALUES (?, ?, ?, ?)"), Statement.RETURN_GENERATED_KEYS)) {
            for (int i = 0; i < 11; i++) {
                s.setLong(1, 4);
                s.setInt(2, i);
                s.setInt(3, i + 1);
                s.setString(4, mode + i);
                s.addBatch();
            }
            System.out.println(s.executeBatch().length);
            show(mode + " keys", s.getGeneratedKeys());
        }
        try (PreparedStatement s = c.prepareStatement(names("INSERT INTO {t} (first_name, {c}) VALUES (?, ?)"))) {
            for (int i = 0; i < 11; i++) {
                s.setString(1, mode);
                s.setString(2, "of the batch " + i);
                s.addBatch();
            }
            System.out.println(s.executeBatch().length);
        }
        try (Statement s = c.createStatement()) {
            s.addBatch(names("UPDATE {T} SET {C} = {C} + 1 WHERE \"OrderId\" = 4"));
            s.addBatch(names("DELETE FROM {T} WHERE \"OrderId\" = 4"));
            s.addBatch(names("DELETE FROM {t} WHERE {c} LIKE 'of%'"));
            for (int n : s.executeBatch()) {
                System.out.println(mode + " " + n);
            }
        }
    }

    /** A fetch size in a transaction makes a portal that is executed in parts. */
    static void cursors(Connection c, String mode) throws SQLException {
        c.setAutoCommit(false);
        try (PreparedStatement s = c.prepareStatement(names("SELECT {c} FROM {t} ORDER BY id"))) {
            s.setFetchSize(2);
            show(mode + " in parts", s.executeQuery());
        }
        c.commit();
        c.setAutoCommit(true);
    }
}
