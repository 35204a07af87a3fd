// Package orm runs drivers and object-relational mappers that apps are made with, as they are installed from their
// distributors, in front of a database whose names have changed: pgjdbc, Django, ActiveRecord, TypeORM, Sequelize, Knex
// and psql. What they print must be what they print on a database that was made with the names of the app's version.
//
// So it does with tools for migrations: golang-migrate, goose, node-pg-migrate, Alembic and Sqitch take a project of
// thirty files up, some of them down, and up again. The schema and the rows that they leave must be the same, too.
package orm

import (
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }
