// What an app does with Knex and with pg below it, printed so that two runs can be compared.
const { Client } = require("pg");
const QueryStream = require("pg-query-stream");
const { TABLE, COLUMN, QUOTED_TABLE, QUOTED_COLUMN, PARTITIONED_COLUMN, show, failing, main } = require("./names");

const knex = require("knex")({
  client: "pg", pool: { min: 0, max: 2 },
  connection: { host: process.env.PGHOST, port: +process.env.PGPORT, user: process.env.PGUSER, database: process.env.PGDATABASE, options: process.env.PGOPTIONS },
});

// A migration of the app's own, which Knex runs in a transaction.
const nickname = {
  up: async (k) => {
    await k.schema.alterTable(TABLE, (t) => {
      t.string("nickname", 20).defaultTo("none");
      t.index(["nickname", COLUMN], "individual_by_nickname");
      t.unique([COLUMN, "nickname", "id"], { indexName: "nickname_once" });
    });
    await k.schema.createTable("note", (t) => {
      t.increments();
      t.bigInteger("individual_id").references("id").inTable(TABLE).withKeyName("note_of");
      t.text("body");
    });
    await k(TABLE).whereNull("born").update({ nickname: k.raw("lower(??)", [COLUMN]) });
  },
  down: async (k) => {
    await k.schema.dropTable("note");
    await k.schema.alterTable(TABLE, (t) => {
      t.dropUnique([], "nickname_once");
      t.dropIndex([], "individual_by_nickname");
      t.dropColumn("nickname");
    });
  },
};
const migrations = { migrationSource: { getMigrations: async () => ["nickname"], getMigrationName: (m) => m, getMigration: async () => nickname } };

async function introspection() {
  for (const table of [TABLE, QUOTED_TABLE, "orders", "visit"]) {
    show(`${table} is there`, [await knex.schema.hasTable(table), await knex.schema.hasColumn(table, COLUMN), await knex.schema.hasColumn(table, QUOTED_COLUMN)]);
    show(`${table} columns`, await knex(table).columnInfo());
  }
}

async function reading() {
  show("all", await knex(TABLE).orderBy("id"));
  show("aliased", await knex({ p: TABLE }).leftJoin({ o: "orders" }, "o.person_id", "p.id").select("p.*", { family: `p.${COLUMN}` }).count({ n: "o.id" }).groupBy("p.id").orderBy(`p.${COLUMN}`));
  show("with", await knex.with("w", knex(TABLE).select(COLUMN, "id")).from("w").where(`w.${COLUMN}`, "like", "%o%").orderBy("id"));
  show("first", await knex(TABLE).where({ [COLUMN]: "Hopper" }).first(COLUMN, "born"));
  show("pluck", await knex(QUOTED_TABLE).orderBy("OrderId").orderBy("Line").pluck(QUOTED_COLUMN));
  show("window", await knex(TABLE).select(COLUMN).rowNumber("r", COLUMN).orderBy("r"));
  show("visits", await knex("visit").select(PARTITIONED_COLUMN).orderBy(PARTITIONED_COLUMN));
  show("union", await knex(TABLE).select(COLUMN).union(knex("customer").select("name")).orderBy(1));
}

async function writing() {
  show("inserted", await knex(TABLE).insert([{ first_name: "Alan", [COLUMN]: "Turing" }, { first_name: "Tony" }]).returning(["id", COLUMN]));
  show("merged", await knex(TABLE).insert({ first_name: "Augusta", [COLUMN]: "King", email: "ada@example.org" }).onConflict("email").merge([COLUMN]).returning("*"));
  show("ignored", await knex(QUOTED_TABLE).insert({ OrderId: 1, Line: 1, Item: "tea" }).onConflict(["OrderId", "Line"]).ignore());
  show("batch", await knex.batchInsert(TABLE, Array.from({ length: 7 }, (_, i) => ({ first_name: "John", [COLUMN]: `Backus ${i}` })), 3).returning(COLUMN));
  show("updated", await knex(TABLE).where(COLUMN, "Unknown").update({ [COLUMN]: "Hoare" }, ["id", COLUMN]));
  show("incremented", await knex(QUOTED_TABLE).where({ OrderId: 1 }).increment(QUOTED_COLUMN, 3));
  show("deleted", await knex(TABLE).where(COLUMN, "like", "Backus%").del([COLUMN]));
  await knex.transaction(async (outer) => {
    await outer(TABLE).where({ id: 2 }).update({ [COLUMN]: "Murray Hopper" });
    await outer.transaction(async (inner) => {
      await inner(TABLE).where({ id: 2 }).update({ [COLUMN]: "" });
    }).catch((e) => show("savepoint", e.message));
    show("locked", await outer(TABLE).where({ id: 2 }).forUpdate().select(COLUMN));
  });
}

async function failures() {
  await failing("null", () => knex(TABLE).insert({ first_name: "x", [COLUMN]: null }));
  await failing("no such column", () => knex(TABLE).select("nothing", COLUMN));
  await failing("no such table", () => knex("nothing").select(COLUMN));
}

// The driver by itself: prepared statements, rows as arrays, a cursor.
async function driver() {
  const client = new Client();
  await client.connect();
  for (const id of [1, 2, 1]) {
    const result = await client.query({ name: "one", text: `SELECT * FROM ${TABLE} WHERE id = $1`, values: [id] });
    show("prepared", [result.fields.map((f) => [f.name, f.columnID]), result.rows]);
  }
  show("array", (await client.query({ text: `SELECT ${COLUMN}, "${QUOTED_COLUMN}" FROM ${TABLE}, "${QUOTED_TABLE}" ORDER BY 1, 2`, rowMode: "array" })).rows);
  show("several", (await client.query(`SELECT ${COLUMN} FROM ${TABLE} ORDER BY 1; UPDATE ${TABLE} SET ${COLUMN} = ${COLUMN}`)).map((r) => [r.command, r.rowCount, r.rows]));
  for await (const row of client.query(new QueryStream(`SELECT ${COLUMN} FROM ${TABLE} ORDER BY id`, [], { batchSize: 2 }))) show("cursor", row);
  await client.end();
}

main(async () => {
  await introspection();
  await reading();
  await writing();
  await failures();
  await driver();
  show("migrated", await knex.migrate.latest(migrations));
  await introspection();
  show("migrated back", await knex.migrate.rollback(migrations));
  await introspection();
  await knex.destroy();
});
