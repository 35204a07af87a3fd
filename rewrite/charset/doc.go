// Package charset reads and writes texts in the encodings of clients, by the names that PostgreSQL gives these, and keeps the
// way back from UTF-8 to the bytes that a client has sent.
package charset
