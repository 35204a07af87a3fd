package rewrite

import (
	"encoding/hex"
	"encoding/json"
)

// pg_cursors and pg_prepared_statements show the texts that the server was sent. The session knows which of these it has
// sent in place of which of the client's, and gives them as the answer to a question.

// SentTexts is the question for the texts that the session has sent in place of its client's, which it answers itself: with
// what EncodeSentTexts makes. The server, if it is asked, knows of none.
const SentTexts = "SELECT ''::pg_catalog.text AS segue_sent_texts"

// EncodeSentTexts writes pairs of a text that was sent and the client's, in UTF-8, as the answer to SentTexts.
func EncodeSentTexts(pairs [][2]string) string {
	text, err := json.Marshal(pairs)
	if err != nil || len(pairs) == 0 {
		return ""
	}
	return hex.EncodeToString(text)
}

// clientTexts pairs the texts that the server may show with those of the client.
func (b *binding) clientTexts() (pairs []storedPair) {
	answer, asked := b.sess.Answers[SentTexts]
	if !asked {
		b.questions = append(b.questions, SentTexts)
		return nil
	}
	b.statement.asked = append(b.statement.asked, SentTexts)
	var texts [][2]string
	encoded, err := hex.DecodeString(answer)
	if err != nil || json.Unmarshal(encoded, &texts) != nil {
		return nil
	}
	size := 0
	for _, t := range texts {
		if size += len(t[0]) + len(t[1]); size < maxStoredBytes && b.writable(t[0]+t[1]) {
			pairs = append(pairs, storedPair{from: t[0], to: t[1]})
		}
	}
	return pairs
}
