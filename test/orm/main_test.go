// Package orm runs drivers and object-relational mappers that apps are made with, as they are installed from their
// distributors, in front of a database whose names have changed: pgjdbc, Django, ActiveRecord, TypeORM, Sequelize, Knex
// and psql. What they print must be what they print on a database that was made with the names of the app's version.
package orm

import (
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }
