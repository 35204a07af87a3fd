//go:build soak

package proxy

// triesAll says that each way of running code makes each thing in each way of sending it.
const triesAll = true
