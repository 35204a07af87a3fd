// Command segue runs and steers Segue, the PostgreSQL proxy that lets two versions of an app share one database.
package main

import "os"

func main() { os.Exit(execute(os.Args[1:], os.Stdout, os.Stderr)) }
