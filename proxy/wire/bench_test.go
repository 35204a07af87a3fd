package wire

import (
	"io"
	"testing"
)

// BenchmarkRelay is the steady state of a session: a batch of messages comes, and leaves in one write.
func BenchmarkRelay(b *testing.B) {
	near, far := socketPair(b)
	batch := AppendSync(AppendExecute(AppendBind(nil, "", "s", []byte("12345")), "", 0))
	in, out := NewReader(near, 0), NewWriter(io.Discard)
	b.ReportAllocs()
	b.SetBytes(int64(len(batch)))
	for b.Loop() {
		far.Write(batch)
		for range 3 {
			f, err := in.Next()
			if err != nil {
				b.Fatal(err)
			}
			out.Write(f.Raw)
		}
		out.Flush()
	}
}
