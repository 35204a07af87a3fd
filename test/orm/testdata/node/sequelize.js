// What an app does with Sequelize, from its start on, printed so that two runs can be compared.
const { DataTypes, Op, QueryTypes, Sequelize, col, fn, literal } = require("sequelize");
const { TABLE, COLUMN, QUOTED_TABLE, QUOTED_COLUMN, PARTITIONED_COLUMN, show, failing, main } = require("./names");

const db = new Sequelize(process.env.PGDATABASE, process.env.PGUSER, "", {
  dialect: "postgres", host: process.env.PGHOST, port: +process.env.PGPORT, logging: false,
  dialectOptions: { options: process.env.PGOPTIONS }, define: { timestamps: false }, pool: { max: 2 },
});

const Individual = db.define("Individual", {
  firstName: { type: DataTypes.STRING(40), allowNull: false, field: "first_name" },
  family: { type: DataTypes.STRING(40), allowNull: false, defaultValue: "Unknown", field: COLUMN },
  email: { type: DataTypes.TEXT, unique: "email_once" },
  born: DataTypes.DATEONLY,
  createdAt: { type: DataTypes.DATE, field: "created_at", defaultValue: literal("DEFAULT") },
}, { tableName: TABLE, indexes: [{ name: "individual_by_family", fields: [COLUMN, "born"] }] });

const Order = db.define("Order", {
  state: { type: DataTypes.ENUM("new", "paid", "sent"), defaultValue: "new" },
  total: { type: DataTypes.DECIMAL(10, 2), defaultValue: 0 },
  notes: DataTypes.JSONB,
}, { tableName: "orders" });

const Line = db.define("Line", {
  orderId: { type: DataTypes.BIGINT, primaryKey: true, field: "OrderId" },
  line: { type: DataTypes.INTEGER, primaryKey: true, field: "Line" },
  quantity: { type: DataTypes.INTEGER, field: QUOTED_COLUMN, defaultValue: 1 },
  item: { type: DataTypes.TEXT, field: "Item" },
}, { tableName: QUOTED_TABLE });

Individual.hasMany(Order, { foreignKey: { name: "personId", field: "person_id" }, as: "orders" });
Order.belongsTo(Individual, { foreignKey: { name: "personId", field: "person_id" }, as: "person" });
Order.hasMany(Line, { foreignKey: "orderId", as: "lines" });

const plain = (rows) => rows.map((r) => r.get({ plain: true }));
const byName = (key) => (a, b) => (a[key] < b[key] ? -1 : 1);

async function introspection() {
  const schema = db.getQueryInterface();
  show("tables", (await schema.showAllTables()).sort());
  for (const table of [TABLE, QUOTED_TABLE, "orders", "visit"]) {
    show(`${table} exists`, await schema.tableExists(table));
    show(`${table} columns`, await schema.describeTable(table));
    show(`${table} indexes`, (await schema.showIndex(table)).map((i) => ({ ...i, indkey: undefined, definition: i.definition })).sort(byName("name")));
    show(`${table} constraints`, (await schema.showConstraint(table)).sort(byName("constraintName")));
    show(`${table} references`, (await schema.getForeignKeyReferencesForTable(table)).sort(byName("constraintName")));
  }
  show("keys", await schema.getForeignKeysForTables([TABLE, QUOTED_TABLE, "orders"]));
}

async function reading() {
  show("all", plain(await Individual.findAll({ order: ["id"] })));
  show("where", plain(await Individual.findAll({ where: { [Op.or]: [{ family: { [Op.iLike]: "%o%" } }, { family: ["Liskov"] }] }, order: [["family", "DESC"]] })));
  show("include", plain(await Individual.findAll({ include: { model: Order, as: "orders", include: { model: Line, as: "lines" } }, order: ["id", [{ model: Order, as: "orders" }, "id"], [{ model: Order, as: "orders" }, { model: Line, as: "lines" }, "line"]] })));
  show("grouped", await Individual.findAll({ attributes: ["family", [fn("count", col("orders.id")), "n"]], include: { model: Order, as: "orders", attributes: [] }, group: ["Individual.id"], order: ["family"], raw: true }));
  show("through", plain(await Order.findAll({ where: { [`$person.${COLUMN}$`]: "Lovelace" }, include: "person", order: ["id"] })));
  show("page", (await Individual.findAndCountAll({ include: "orders", order: ["family"], limit: 2, offset: 1, distinct: true })).count);
  show("aggregates", [await Line.sum("quantity"), await Individual.max("family"), await Individual.count({ where: { family: "Hopper" } })]);
  show("query", await db.query(`SELECT * FROM ${TABLE} WHERE ${COLUMN} = :family`, { replacements: { family: "Hopper" }, type: QueryTypes.SELECT }));
  show("bound", await db.query(`SELECT ${PARTITIONED_COLUMN} FROM visit WHERE person_id = $1 ORDER BY 1`, { bind: [1], type: QueryTypes.SELECT }));
}

async function writing() {
  const alan = await Individual.create({ firstName: "Alan", family: "Turing" });
  alan.family = "Mathison Turing";
  await alan.save();
  show("reloaded", (await alan.reload()).get());
  show("bulk", plain(await Individual.bulkCreate([{ firstName: "John", family: "Backus" }, { firstName: "Peter", family: "Naur" }], { returning: true })));
  show("conflict", plain(await Individual.bulkCreate([{ firstName: "Augusta", family: "King", email: "ada@example.org" }], { updateOnDuplicate: ["family"], conflictAttributes: ["email"] })));
  show("upsert", (await Line.upsert({ orderId: 1, line: 1, quantity: 9, item: "tea" }))[0].get());
  show("update", (await Individual.update({ family: fn("upper", col(COLUMN)) }, { where: { family: "Naur" }, returning: true }))[1].map((r) => r.get()));
  show("increment", await Line.increment({ quantity: 2 }, { where: { orderId: 1 } }));
  show("found or created", (await Individual.findCreateFind({ where: { family: "Hoare" }, defaults: { firstName: "Tony" } }))[1]);
  show("destroyed", await Individual.destroy({ where: { family: ["Backus", "Hoare"] } }));
  await db.transaction(async (transaction) => {
    const one = await Individual.findByPk(1, { lock: true, transaction });
    await one.update({ family: "Byron" }, { transaction });
    throw new Error("rolled back");
  }).catch((e) => show("transaction", e.message));
}

async function failures() {
  await failing("check", () => Individual.create({ firstName: "x", family: "" }));
  await failing("null", () => db.query(`INSERT INTO ${TABLE} (first_name, ${COLUMN}) VALUES ('x', NULL)`));
  await failing("unique", () => Individual.create({ firstName: "x", email: "grace@example.org" }));
  await failing("no such column", () => Individual.findAll({ where: literal("nothing = 1") }));
}

// A migration of the app's own.
async function migrate() {
  const schema = db.getQueryInterface();
  await schema.addColumn(TABLE, "nickname", { type: DataTypes.STRING(20), allowNull: true });
  await schema.addIndex(TABLE, ["nickname", COLUMN], { name: "individual_by_nickname" });
  await schema.addConstraint(TABLE, { type: "check", name: "somebody", fields: [COLUMN], where: { [COLUMN]: { [Op.ne]: "Nemo" } } });
  await schema.addColumn("orders", "seller_id", { type: DataTypes.BIGINT, references: { model: TABLE, key: "id" } });
  await introspection();
  await schema.removeColumn("orders", "seller_id");
  await schema.removeConstraint(TABLE, "somebody");
  await schema.removeIndex(TABLE, "individual_by_nickname");
  await schema.removeColumn(TABLE, "nickname");
}

main(async () => {
  await db.authenticate();
  await introspection();
  await db.sync();
  await introspection();
  await reading();
  await writing();
  await failures();
  await reading();
  await migrate();
  await introspection();
  await db.close();
});
