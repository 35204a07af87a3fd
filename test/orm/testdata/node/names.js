// What the app's version calls the tables and columns that have been, or will be, renamed, and how the programs print.
const { TABLE, COLUMN, QUOTED_TABLE, QUOTED_COLUMN, PARTITIONED_COLUMN } = process.env;

// With keys in order: the order in which a library sets them says nothing.
function ordered(key, value) {
  if (value === null || typeof value !== "object" || Array.isArray(value) || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function show(title, value) {
  console.log(`== ${title}`);
  for (const row of Array.isArray(value) ? value : [value]) console.log("   ", JSON.stringify(row, ordered));
}

// failing runs what fails and prints how.
async function failing(title, work) {
  try {
    show(`${title}: no error`, await work());
  } catch (e) {
    const d = e.driverError || e.parent || e;
    show(title, [e.name, d.code, d.message, d.detail, d.table, d.column, d.constraint, d.position]);
  }
}

// main runs a program, and fails with what it throws.
function main(program) {
  program().catch((e) => {
    console.log(e);
    process.exitCode = 1;
  });
}

module.exports = { TABLE, COLUMN, QUOTED_TABLE, QUOTED_COLUMN, PARTITIONED_COLUMN, show, failing, main };
