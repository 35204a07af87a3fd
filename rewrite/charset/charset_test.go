package charset

import "testing"

func TestCharactersOfSeveralBytesAreReadWhole(t *testing.T) {
	t.Parallel()
	for encoding, tc := range map[string]struct{ bytes, utf8 string }{
		"SJIS":    {"\x95\x5c \xb1 a", "表 ｱ a"}, // the second byte is a backslash in ASCII
		"BIG5":    {"\xa5\x5c a", "功 a"},
		"GBK":     {"\x81\x5c a", "乗 a"},
		"GB18030": {"\x81\x30\x81\x30\xb1\xed", "\u0080表"},
		"EUC_JP":  {"\xc9\xbd\x8f\xb0\xa1\x8e\xb1", "表丂ｱ"},
		"UHC":     {"\xb0\xa1", "가"},
		"WIN1251": {"\xff\xe0", "яа"},
		"LATIN9":  {"\xa4", "€"},
	} {
		t.Run(encoding, func(t *testing.T) {
			t.Parallel()
			c, _ := Named(encoding)
			d, err := c.Decode(tc.bytes)
			if err != nil || d.UTF8 != tc.utf8 {
				t.Fatalf("decode = %q, %v; want %q", d.UTF8, err, tc.utf8)
			}
			if got := d.Original(len(d.UTF8)); got != len(tc.bytes) {
				t.Errorf("the end maps to %d, want %d", got, len(tc.bytes))
			}
			if back, err := c.Encode(tc.utf8); err != nil || back != tc.bytes {
				t.Errorf("encode = %q, %v; want %q", back, err, tc.bytes)
			}
		})
	}
}
