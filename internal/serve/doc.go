// Package serve puts the parts of one instance together: the proxy that clients talk to, its part in the fleet, and the
// admin API beside it. The command line, the demo and the end-to-end tests all start instances here, so that what is
// tested is what is run.
package serve
