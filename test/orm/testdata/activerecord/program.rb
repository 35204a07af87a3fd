# What a Rails app does with ActiveRecord from its boot on, printed so that two runs can be compared.
require "active_record"

TABLE, COLUMN, PARTITIONED = ENV.values_at("TABLE", "COLUMN", "PARTITIONED_COLUMN")
QUOTED_TABLE, QUOTED_COLUMN = ENV.values_at("QUOTED_TABLE", "QUOTED_COLUMN")

$stdout.sync = true
ActiveRecord.verbose_query_logs = false if ActiveRecord.respond_to?(:verbose_query_logs)
ActiveRecord::Base.default_timezone = :utc
# libpq takes PGHOST, PGPORT, PGUSER and PGOPTIONS by itself.
ActiveRecord::Base.establish_connection(adapter: "postgresql", database: ENV["PGDATABASE"], prepared_statements: true, advisory_locks: true)

class Individual < ActiveRecord::Base
  self.table_name = TABLE
  has_many :orders, foreign_key: :person_id
  alias_attribute :family, COLUMN
  scope :named, ->(name) { where(COLUMN => name) }
  validates COLUMN, uniqueness: { scope: :first_name }
end

class Order < ActiveRecord::Base
  belongs_to :person, class_name: "Individual"
  has_many :lines, foreign_key: "OrderId"
  enum state: { created: "new", paid: "paid", sent: "sent" }
end

class Line < ActiveRecord::Base
  self.table_name = QUOTED_TABLE
  self.primary_key = "Line"
  belongs_to :order, foreign_key: "OrderId"
end

class Visit < ActiveRecord::Base
  self.table_name = "visit"
end

class Customer < ActiveRecord::Base
  self.table_name = "customer"
end

def show(title, rows)
  puts "== #{title}"
  Array(rows).each { |row| puts "    #{row.inspect}" }
end

def failing(title)
  value = Individual.transaction(requires_new: true) { yield }
  puts "== #{title}: no error #{value.inspect}"
rescue ActiveRecord::ActiveRecordError => e
  puts "== #{title}: #{e.class} #{e.message}"
end

def introspection(connection)
  show "tables", connection.tables.sort
  show "views", connection.views.sort
  show "data sources", connection.data_sources.sort
  [TABLE, QUOTED_TABLE, "orders", "visit", "visit_2026"].each do |table|
    show "#{table} exists", [connection.table_exists?(table), connection.data_source_exists?("public.#{connection.quote_table_name(table)}")]
    show "#{table} columns", connection.columns(table).map { |c| [c.name, c.sql_type, c.type, c.null, c.default, c.default_function, c.comment, c.limit, c.precision] }
    show "#{table} key", [connection.primary_keys(table), connection.pk_and_sequence_for(table)&.join(" "), connection.primary_key(table)]
    show "#{table} sequence", [(connection.default_sequence_name(table) rescue $!.class)]
    show "#{table} indexes", connection.indexes(table).sort_by(&:name).map { |i| [i.name, i.unique, i.columns, i.where, i.orders, i.opclasses, i.using, i.comment] }
    show "#{table} foreign keys", connection.foreign_keys(table).map { |k| [k.name, k.from_table, k.to_table, k.column, k.primary_key, k.on_delete] }
    show "#{table} checks", connection.check_constraints(table).sort_by(&:name).map { |k| [k.name, k.expression] }
    show "#{table} comment", [connection.table_comment(table), connection.table_options(table)]
  end
  show "column there", [connection.column_exists?(TABLE, COLUMN), connection.column_exists?(TABLE, "nothing"), connection.index_exists?(TABLE, [COLUMN, :first_name])]
end

def reading
  show "attributes", Individual.order(:id).map(&:attributes)
  show "columns", [Individual.column_names, Individual.primary_key, Individual.sequence_name, Individual.columns_hash[COLUMN].sql_type_metadata.sql_type]
  show "dynamic finder", [Individual.public_send("find_by_#{COLUMN}", "Hopper")&.first_name, Individual.find_by(COLUMN => "Hopper")&.id]
  show "pluck", Individual.order(COLUMN => :desc).pluck(COLUMN, :id)
  show "where", Individual.where(COLUMN => %w[Hopper Liskov]).or(Individual.where("lower(#{COLUMN}) LIKE ?", "l%")).order(:id).pluck(:first_name)
  show "joins", Order.joins(:person).where(TABLE => { COLUMN => "Lovelace" }).order(:id).pluck(:id, "#{TABLE}.#{COLUMN}")
  show "includes", Individual.includes(:orders).order(:id).map { |p| [p.family, p.orders.map(&:id).sort] }
  show "eager", Individual.eager_load(orders: :lines).order("#{TABLE}.id, orders.id", Line.arel_table[:Line]).map { |p| [p.family, p.orders.map { |o| o.lines.map { |l| l[QUOTED_COLUMN] } }] }
  show "grouped", Individual.left_joins(:orders).group(COLUMN).order(COLUMN).count("orders.id")
  show "sum", Line.group(QUOTED_COLUMN).order(QUOTED_COLUMN.to_sym).sum(QUOTED_COLUMN)
  show "batches", Individual.find_each(batch_size: 2).map(&:family)
  show "exists", [Individual.named("Liskov").exists?, Individual.named("Nobody").exists?, Individual.maximum(COLUMN)]
  show "find_by_sql", Individual.find_by_sql(["SELECT id, #{COLUMN} FROM #{TABLE} WHERE id < ? ORDER BY id", 3]).map(&:attributes)
  show "select_all", Individual.connection.select_all("SELECT * FROM #{TABLE} ORDER BY id").columns
  show "visits", Visit.order(:at).pluck(PARTITIONED, :at)
  show "customers", Customer.order(:id).map(&:attributes)
  show "distinct", Individual.order(COLUMN).distinct.pluck(COLUMN)
  show "arel", Individual.where(Individual.arel_table[COLUMN].matches("%o%").and(Individual.arel_table[:id].gt(0))).order(:id).ids
  show "locked", [Individual.transaction { Individual.lock.find(1).family }]
end

def writing
  alan = Individual.create!(:first_name => "Alan", COLUMN => "Turing")
  puts alan.id
  alan.update!(COLUMN => "Mathison Turing")
  alan.touch(:created_at, time: Time.utc(2026, 11, 22))
  show "previous", [alan.previous_changes, alan.reload.attributes]
  show "insert_all", Individual.insert_all([{ :first_name => "John", COLUMN => "Backus" }, { :first_name => "John", COLUMN => "McCarthy" }], returning: ["id", COLUMN]).rows
  show "insert_all!", Individual.insert_all!([{ :first_name => "Peter", COLUMN => "Naur", :email => "naur@example.org" }]).rows
  show "upsert_all", Individual.upsert_all([{ :first_name => "Peter", COLUMN => "Naur-Jensen", :email => "naur@example.org" }], unique_by: :email_once, returning: %w[id first_name]).rows
  show "upsert", Line.upsert_all([{ "OrderId" => 1, "Line" => 1, QUOTED_COLUMN => 9, "Item" => "tea" }], unique_by: %w[OrderId Line], returning: [QUOTED_COLUMN]).rows
  show "update_all", [Individual.named("Backus").update_all("#{COLUMN} = upper(#{COLUMN})"), Individual.named("BACKUS").update_all(COLUMN => "Backus"), Individual.where(id: 1).joins(:orders).update_all(COLUMN => "King")]
  show "find_or_create_by", [Individual.find_or_create_by!(:first_name => "Tony", COLUMN => "Hoare").family]
  Visit.create!(:at => Time.utc(2027, 1, 1), PARTITIONED => "/chalk")
  show "counters", [Line.where("OrderId" => 1).update_all("#{Line.connection.quote_column_name(QUOTED_COLUMN)} = 3")]
  show "destroy", [Individual.find_by!(COLUMN => "McCarthy").destroy.frozen?, Individual.named("Hoare").delete_all, Individual.named("Dijkstra").destroy_all.size]
  Individual.transaction do
    Individual.create!(:first_name => "Kristen", COLUMN => "Nygaard")
    raise ActiveRecord::Rollback
  end
end

def failures
  failing("check") { Individual.insert_all!([{ :first_name => "x", COLUMN => "" }]) }
  failing("null") { Individual.insert_all!([{ :first_name => "x", COLUMN => nil }]) }
  failing("too long") { Individual.where(id: 1).update_all(COLUMN => "x" * 41) }
  failing("unique") { Individual.create!(:first_name => "x", :email => "ada@example.org", COLUMN => "x") }
  failing("validation") { Individual.create!(:first_name => "Grace", COLUMN => "Hopper") }
  failing("no such column") { Individual.where("nothing = 1").to_a }
  failing("no such table") { Individual.connection.execute("SELECT #{COLUMN} FROM nothing") }
end

# A migration of the app's own.
class AddNickname < ActiveRecord::Migration[6.1]
  def change
    add_column TABLE, :nickname, :string, default: "none", comment: "among friends"
    add_index TABLE, [:nickname, COLUMN], name: "individual_by_nickname"
    reversible do |way|
      way.up { add_index TABLE, "upper(#{COLUMN})", name: "individual_by_upper", where: "#{COLUMN} <> 'x'" }
      way.down { remove_index TABLE, name: "individual_by_upper" }
    end
    add_check_constraint TABLE, "#{COLUMN} <> 'Nemo'", name: "somebody"
    add_reference :orders, :seller, foreign_key: { to_table: TABLE, name: "sold_by" }
    create_table(:note) { |t| t.references :individual, foreign_key: { to_table: TABLE, name: "note_of" } }
  end
end

def migrate(direction)
  ActiveRecord::Migration.verbose = false
  ActiveRecord::SchemaMigration.create_table
  AddNickname.migrate(direction)
  [Individual, Order].each(&:reset_column_information)
end

def dump
  schema = StringIO.new
  ActiveRecord::SchemaDumper.dump(ActiveRecord::Base.connection, schema)
  puts schema.string
end

connection = ActiveRecord::Base.connection
introspection(connection)
dump
reading
writing
failures
reading
migrate(:up)
introspection(connection)
dump
show "after the migration", Individual.order(:id).map(&:attributes)
failing("the new check") { Individual.insert_all!([{ :first_name => "x", COLUMN => "Nemo" }]) }
migrate(:down)
dump
show "fixtures", [connection.reset_pk_sequence!(TABLE)]
connection.disable_referential_integrity { puts Individual.delete_all }
connection.truncate_tables(TABLE, QUOTED_TABLE, "orders", "visit")
show "truncated", [Individual.count, Line.count]
