package orm

import (
	"os/exec"
	"testing"
)

// Where Debian installs the driver and a compiler that needs no more than a Java runtime.
const (
	jdbcDriver   = "/usr/share/java/postgresql.jar"
	javaCompiler = "/usr/share/java/ecj.jar"
)

func TestJDBCSeesTheShopOfItsVersion(t *testing.T) {
	t.Parallel()
	classes := t.TempDir()
	compile := exec.CommandContext(t.Context(), "java", "-XX:TieredStopAtLevel=1", "-cp", javaCompiler, "org.eclipse.jdt.internal.compiler.batch.Main", "-source", "11", "-target", "11", "-cp", jdbcDriver, "-d", classes, "testdata/jdbc/Shop.java")
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("%v (test/setup.sh installs what it needs): %v\n%s", compile, err, out)
	}
	inEachVersion(t, func(t *testing.T, db database) string {
		return printed(t, db, "", "", "java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", classes+":"+jdbcDriver, "Shop")
	})
}
