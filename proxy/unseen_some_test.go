//go:build !soak

package proxy

// triesAll is true with -tags soak.
const triesAll = false
