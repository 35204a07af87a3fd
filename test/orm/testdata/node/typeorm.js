// What an app does with TypeORM, from reading its schema at the start on, printed so that two runs can be compared.
const { DataSource, EntitySchema, In, Like, MoreThan } = require("typeorm");
const { TABLE, COLUMN, QUOTED_TABLE, QUOTED_COLUMN, PARTITIONED_COLUMN, show, failing, main } = require("./names");

// The names of constraints and indexes are given as the database has them, so that there is nothing to synchronize.
const Individual = new EntitySchema({
  name: "Individual",
  tableName: TABLE,
  comment: "people",
  columns: {
    id: { type: "bigint", primary: true, primaryKeyConstraintName: "individual_key", default: () => "nextval('individual_ids')" },
    firstName: { type: "varchar", length: 40, name: "first_name" },
    family: { type: "varchar", length: 40, name: COLUMN, default: "Unknown", comment: "the family name" },
    email: { type: "text", nullable: true },
    born: { type: "date", nullable: true },
    createdAt: { type: "timestamp", precision: 6, name: "created_at", default: () => "'2026-11-22 10:00:00'" },
  },
  uniques: [{ name: "email_once", columns: ["email"] }],
  indices: [
    { name: "individual_by_name", columns: ["family", "firstName"] },
    { name: "individual_by_lower", synchronize: false },
  ],
  checks: [
    { name: "last_name_given", expression: `"${COLUMN}" <> ''` },
    { name: "two_names", expression: `"first_name" <> "${COLUMN}"` },
  ],
  relations: { orders: { type: "one-to-many", target: "Order", inverseSide: "person" } },
});

const Order = new EntitySchema({
  name: "Order",
  tableName: "orders",
  columns: {
    id: { type: "bigint", primary: true, generated: "identity", generatedIdentity: "BY DEFAULT", primaryKeyConstraintName: "orders_key" },
    personId: { type: "bigint", name: "person_id" },
    state: { type: "enum", enum: ["new", "paid", "sent"], enumName: "order_state", default: "new" },
    total: { type: "numeric", precision: 10, scale: 2, default: 0 },
    notes: { type: "jsonb", nullable: true },
  },
  indices: [{ name: "orders_by_person", columns: ["personId"] }],
  relations: {
    person: {
      type: "many-to-one", target: "Individual", inverseSide: "orders", nullable: false, onDelete: "CASCADE",
      joinColumn: { name: "person_id", foreignKeyConstraintName: "orders_of_somebody" },
    },
  },
});

const Line = new EntitySchema({
  name: "Line",
  tableName: QUOTED_TABLE,
  columns: {
    orderId: { type: "bigint", primary: true, name: "OrderId", primaryKeyConstraintName: "line_key" },
    line: { type: "integer", primary: true, name: "Line", primaryKeyConstraintName: "line_key" },
    quantity: { type: "integer", name: QUOTED_COLUMN, default: 1 },
    item: { type: "text", name: "Item" },
  },
  uniques: [{ name: "one_price", columns: ["item", "quantity"] }],
  indices: [{ name: "line_by_quantity", columns: ["quantity"] }],
  checks: [{ name: "some_quantity", expression: `"${QUOTED_COLUMN}" > 0` }],
  relations: { order: { type: "many-to-one", target: "Order", joinColumn: { name: "OrderId", foreignKeyConstraintName: "line_of_an_order" } } },
});

const database = (entities) => new DataSource({
  type: "postgres", host: process.env.PGHOST, port: +process.env.PGPORT, username: process.env.PGUSER, database: process.env.PGDATABASE,
  extra: { options: process.env.PGOPTIONS }, entities,
});

async function introspection(db) {
  const runner = db.createQueryRunner();
  await runner.connect(); // or else it connects twice in parallel
  for (const name of [TABLE, QUOTED_TABLE, "orders", "visit", "visit_2026"]) {
    const table = await runner.getTable(name);
    const byName = (a, b) => (a.name < b.name ? -1 : 1);
    for (const list of ["uniques", "indices", "checks", "foreignKeys", "columns"]) {
      table[list].sort(byName);
      show(`${name} ${list}`, table[list]);
    }
    show(name, [await runner.hasTable(name), await runner.hasColumn(name, COLUMN), await runner.hasColumn(name, QUOTED_COLUMN)]);
  }
  await runner.release();
}

async function reading(db) {
  const people = db.getRepository("Individual"), orders = db.getRepository("Order"), lines = db.getRepository("Line");
  show("find", await people.find({ order: { id: "ASC" } }));
  show("where", await people.find({ where: [{ family: Like("%o%") }, { family: In(["Liskov"]), id: MoreThan("1") }], order: { family: "DESC" }, select: ["id", "family"] }));
  show("relations", await people.find({ relations: { orders: true }, order: { id: "ASC", orders: { id: "ASC" } } }));
  show("page", await people.findAndCount({ relations: { orders: true }, order: { family: "ASC" }, skip: 1, take: 2 }));
  show("builder", await people.createQueryBuilder("p").leftJoin("p.orders", "o").select("p.family", "family").addSelect("SUM(o.total)", "spent")
    .groupBy("p.family").having("COUNT(*) > 0").orderBy("spent", "DESC", "NULLS LAST").addOrderBy("p.family").getRawMany());
  show("locked", await db.transaction((m) => m.findOne("Individual", { where: { id: "1" }, lock: { mode: "pessimistic_write" } })));
  show("nested", await lines.find({ relations: { order: { person: true } }, order: { orderId: "ASC", line: "ASC" } }));
  show("exists", [await people.existsBy({ family: "Hopper" }), await people.countBy({ family: "Nobody" }), await lines.sum("quantity"), await lines.maximum("quantity")]);
  show("query", await db.query(`SELECT * FROM ${TABLE} WHERE ${COLUMN} = $1`, ["Hopper"]));
  show("visits", await db.query(`SELECT ${PARTITIONED_COLUMN} FROM visit ORDER BY 1`));
  show("orders", await orders.find({ where: { person: { family: "Lovelace" } }, order: { id: "ASC" } }));
}

async function writing(db) {
  const people = db.getRepository("Individual"), orders = db.getRepository("Order");
  const alan = await people.save({ firstName: "Alan", family: "Turing" });
  show("saved", alan);
  alan.family = "Mathison Turing";
  show("saved again", await people.save(alan));
  show("insert", (await people.insert([{ firstName: "John", family: "Backus" }, { firstName: "Peter" }])).generatedMaps);
  show("upsert", (await people.upsert({ firstName: "Augusta", family: "King", email: "ada@example.org" }, ["email"])).generatedMaps);
  show("update", await people.update({ family: "Backus" }, { family: () => `upper("${COLUMN}")` }));
  show("returning", (await people.createQueryBuilder().update().set({ family: "Naur" }).where({ family: "Unknown" }).returning(["id", "family"]).execute()).raw);
  await orders.save({ person: alan, state: "paid", total: "1.50", notes: { tape: true } });
  show("removed", await people.delete({ family: "BACKUS" }));
  show("cascaded", await people.createQueryBuilder().delete().where("family = :family", { family: "Mathison Turing" }).returning("*").execute());
  const runner = db.createQueryRunner();
  const stream = await runner.stream(`SELECT ${COLUMN} FROM ${TABLE} WHERE id > $1 ORDER BY id`, [0]);
  for await (const row of stream) show("streamed", row);
  await runner.release();
}

async function failures(db) {
  const people = db.getRepository("Individual");
  await failing("check", () => people.insert({ firstName: "x", family: "" }));
  await failing("null", () => people.insert({ firstName: "x", family: null }));
  await failing("unique", () => people.insert({ firstName: "x", email: "grace@example.org" }));
  await failing("no such column", () => db.query(`SELECT nothing, ${COLUMN} FROM ${TABLE}`));
}

// A column more and an index on it and the renamed one, as an app of this version may add in a deployment.
async function synchronize() {
  const more = new EntitySchema({
    ...Individual.options,
    columns: { ...Individual.options.columns, nickname: { type: "varchar", length: 20, nullable: true } },
    indices: [...Individual.options.indices, { name: "individual_by_nickname", columns: ["nickname", "family"] }],
  });
  const db = await database([more, Order, Line]).initialize();
  show("would run", (await db.driver.createSchemaBuilder().log()).upQueries.map((q) => q.query));
  await db.synchronize();
  show("would still run", (await db.driver.createSchemaBuilder().log()).upQueries.map((q) => q.query));
  show("more", await db.getRepository("Individual").find({ order: { id: "ASC" } }));
  await introspection(db);
  await db.destroy();
}

main(async () => {
  const db = await database([Individual, Order, Line]).initialize();
  await introspection(db);
  show("would run", (await db.driver.createSchemaBuilder().log()).upQueries.map((q) => q.query));
  await db.synchronize();
  await reading(db);
  await writing(db);
  await failures(db);
  await reading(db);
  await db.destroy();
  await synchronize();
});
