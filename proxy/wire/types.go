package wire

// Types of messages that a client sends.
const (
	Bind        = 'B'
	Close       = 'C'
	CopyData    = 'd' // both directions
	CopyDone    = 'c' // both directions
	CopyFail    = 'f'
	Describe    = 'D'
	Execute     = 'E'
	Flush       = 'H'
	FuncCall    = 'F'
	Parse       = 'P'
	AuthReply   = 'p' // PasswordMessage, SASLInitialResponse, SASLResponse, GSSResponse: the context tells which
	Query       = 'Q'
	Sync        = 'S'
	Terminate   = 'X'
	StatementOf = 'S' // what a Describe or Close is about
	PortalOf    = 'P' // what a Describe or Close is about
)

// Types of messages that the server sends.
const (
	Authentication           = 'R'
	BackendKeyData           = 'K'
	BindComplete             = '2'
	CloseComplete            = '3'
	CommandComplete          = 'C'
	CopyBothResponse         = 'W'
	CopyInResponse           = 'G'
	CopyOutResponse          = 'H'
	DataRow                  = 'D'
	EmptyQueryResponse       = 'I'
	ErrorResponse            = 'E'
	FuncCallResponse         = 'V'
	NegotiateProtocolVersion = 'v'
	NoData                   = 'n'
	NoticeResponse           = 'N'
	NotificationResponse     = 'A'
	ParameterDescription     = 't'
	ParameterStatus          = 'S'
	ParseComplete            = '1'
	PortalSuspended          = 's'
	ReadyForQuery            = 'Z'
	RowDescription           = 'T'
)

// Transaction states in a ReadyForQuery.
const (
	Idle    = 'I' // outside a transaction block
	InBlock = 'T' // inside a transaction block
	Failed  = 'E' // inside a failed one: 25P02 until it is rolled back
)

// Limits that PostgreSQL itself sets.
const (
	MaxMessage = 0x3fffffff // PQ_LARGE_MESSAGE_LIMIT, MaxAllocSize: 1 GiB - 1
	MaxStartup = 10000      // MAX_STARTUP_PACKET_LENGTH
	MaxAuth    = 65535      // PG_MAX_AUTH_TOKEN_LENGTH: the largest message before authentication is over
)

// A ProtocolError says that the other side broke the protocol: SQLSTATE 08P01. The stream cannot be used any more when
// a Reader returned it; a decoder's error concerns that message only.
type ProtocolError struct {
	Message string // in the server's words where it has some
}

func (e *ProtocolError) Error() string { return e.Message }

// errFormat is what pq_getmsgend and its kind say.
var errFormat = &ProtocolError{Message: "invalid message format"}

// errString is what pq_getmsgstring says of a string that does not end.
var errString = &ProtocolError{Message: "invalid string in message"}
