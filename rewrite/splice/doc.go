// Package splice edits texts: replacements of byte ranges, applied to a text, mapped to another encoding, and followed back to
// where a place of the new text was in the old one.
package splice
