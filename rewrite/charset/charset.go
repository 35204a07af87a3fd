package charset

import (
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// An Encoding is a client_encoding. The zero value is UTF8.
type Encoding struct {
	encoding encoding.Encoding
	// width is the length in bytes of the character that s begins with, which is beyond ASCII (pg_encoding_mblen).
	width func(s string) int
}

// IsUTF8 tells whether texts in it are read as they are.
func (c Encoding) IsUTF8() bool { return c.encoding == nil }

// Named is the encoding that SHOW client_encoding calls so; ok is false for those that cannot be read.
func Named(name string) (c Encoding, ok bool) {
	c, ok = charsets[name]
	return c, ok
}

// charsets maps the names that SHOW client_encoding gives. Absent are those that golang.org/x/text does not know:
// EUC_JIS_2004, EUC_TW, JOHAB, MULE_INTERNAL, SHIFT_JIS_2004.
var charsets = map[string]Encoding{
	"":     {},
	"UTF8": {},
	// The server looks at no byte beyond ASCII; a text that happens to be UTF-8 can be read as such.
	"SQL_ASCII": {},

	"LATIN1": single(charmap.ISO8859_1), "LATIN2": single(charmap.ISO8859_2), "LATIN3": single(charmap.ISO8859_3),
	"LATIN4": single(charmap.ISO8859_4), "LATIN5": single(charmap.ISO8859_9), "LATIN6": single(charmap.ISO8859_10),
	"LATIN7": single(charmap.ISO8859_13), "LATIN8": single(charmap.ISO8859_14), "LATIN9": single(charmap.ISO8859_15),
	"LATIN10": single(charmap.ISO8859_16),

	"ISO_8859_5": single(charmap.ISO8859_5), "ISO_8859_6": single(charmap.ISO8859_6),
	"ISO_8859_7": single(charmap.ISO8859_7), "ISO_8859_8": single(charmap.ISO8859_8),

	"WIN866": single(charmap.CodePage866), "WIN874": single(charmap.Windows874),
	"WIN1250": single(charmap.Windows1250), "WIN1251": single(charmap.Windows1251),
	"WIN1252": single(charmap.Windows1252), "WIN1253": single(charmap.Windows1253),
	"WIN1254": single(charmap.Windows1254), "WIN1255": single(charmap.Windows1255),
	"WIN1256": single(charmap.Windows1256), "WIN1257": single(charmap.Windows1257),
	"WIN1258": single(charmap.Windows1258),

	"KOI8R": single(charmap.KOI8R), "KOI8U": single(charmap.KOI8U),

	"EUC_JP":  {japanese.EUCJP, widthEUCJP},
	"SJIS":    {japanese.ShiftJIS, widthShiftJIS},
	"EUC_KR":  {korean.EUCKR, widthTwo},
	"UHC":     {korean.EUCKR, widthTwo}, // the decoder of EUC-KR is that of its superset
	"EUC_CN":  {simplifiedchinese.GBK, widthTwo},
	"GBK":     {simplifiedchinese.GBK, widthTwo},
	"GB18030": {simplifiedchinese.GB18030, widthGB18030},
	"BIG5":    {traditionalchinese.Big5, widthTwo},
}

func single(e encoding.Encoding) Encoding {
	return Encoding{encoding: e, width: func(string) int { return 1 }}
}

func widthTwo(string) int { return 2 }

// widthEUCJP mirrors pg_euc_mblen (wchar.c).
func widthEUCJP(s string) int {
	if s[0] == 0x8f {
		return 3
	}
	return 2
}

// widthShiftJIS mirrors pg_sjis_mblen (wchar.c): half-width kana have one byte.
func widthShiftJIS(s string) int {
	if s[0] >= 0xa1 && s[0] <= 0xdf {
		return 1
	}
	return 2
}

// widthGB18030 mirrors pg_gb18030_mblen (wchar.c).
func widthGB18030(s string) int {
	if len(s) > 1 && s[1] >= 0x30 && s[1] <= 0x39 {
		return 4
	}
	return 2
}
