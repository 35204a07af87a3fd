// Package admin is the HTTP face of one instance: the JSON API under /v1, the probes, the metrics and a dashboard.
//
// Every error is an RFC 9457 problem document (application/problem+json), those of the router included. A problem says
// what failed in detail and what can be done about it in hint; a refused transition adds what is allowed now, the
// proofs that are missing and the sessions that block it. /openapi.json describes all of it.
//
// A server without a token is for loopback only: Serve refuses any other listener. There it guards against web pages
// in a local browser: a request whose Host is not a loopback name is refused (DNS rebinding), and so is a write that a
// page of another origin sent. With a token every request but those for the probes, the description and the empty
// dashboard page must carry it as Authorization: Bearer.
package admin
