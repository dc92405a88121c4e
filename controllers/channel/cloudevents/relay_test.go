package cloudevents_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tallyman.dev/tallyman/controllers/channel/contract"
)

// relay stands between a connector and a NATS server, and plays the behaviours of the contract on the
// wire.
type relay struct {
	*bus
	listener  net.Listener
	elsewhere string
	target    string // the address of the server
	received  chan struct{}

	mu    sync.Mutex
	state contract.Behaviour
	gate  chan struct{}         // closed when what Stall holds goes on
	conns map[*relayed]struct{} // of the connector
	held  int                   // publications that are held, until the server has answered them
	freed *sync.Cond            // told when held has become less
	sids  map[*relayed]string   // of the subscription for answers
	all   sync.WaitGroup        // goroutines
}

// relayed is one connection.
type relayed struct {
	client, server net.Conn
	answered       chan struct{} // has a value when the server has sent a message
}

func startRelay(t *testing.T, b *bus, elsewhere string) *relay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{
		bus: b, listener: listener, elsewhere: elsewhere, target: b.server.Addr().String(), received: make(chan struct{}, 1000), gate: make(chan struct{}),
		conns: map[*relayed]struct{}{}, sids: map[*relayed]string{},
	}
	r.freed = sync.NewCond(&r.mu)
	r.all.Go(r.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		r.Release()
		r.cut()
		r.all.Wait()
	})
	return r
}

func (r *relay) url() string { return "nats://" + r.listener.Addr().String() }

func (r *relay) accept() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", r.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		c := &relayed{client, server, make(chan struct{}, 100)}
		r.mu.Lock()
		r.conns[c] = struct{}{}
		r.mu.Unlock()
		r.all.Go(func() { r.toClient(c) })
		r.all.Go(func() { r.toServer(c) })
	}
}

// cut ends all connections of the connector.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		_ = c.client.Close()
	}
}

// Behave implements contract.Server. Who is denied is thrown out, as by a server whose users change.
func (r *relay) Behave(b contract.Behaviour) {
	r.mu.Lock()
	r.state = b
	r.mu.Unlock()
	if b == contract.Deny {
		r.mu.Lock()
		for c := range r.conns {
			_, _ = io.WriteString(c.client, "-ERR 'Authorization Violation'\r\n")
		}
		r.mu.Unlock()
		r.cut()
	}
}

func (r *relay) behaviour() contract.Behaviour {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state
}

// Release implements contract.Server, and returns when the server has answered what was held.
func (r *relay) Release() {
	r.mu.Lock()
	select {
	case <-r.gate:
	default:
		close(r.gate)
	}
	for r.held > 0 {
		r.freed.Wait()
	}
	r.mu.Unlock()
}

func (r *relay) holding(more int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held += more
	r.freed.Broadcast()
}

// Received implements contract.Server.
func (r *relay) Received() <-chan struct{} { return r.received }

// toClient passes on what the server says, the address of elsewhere added if told so.
func (r *relay) toClient(c *relayed) {
	defer c.client.Close()
	in := bufio.NewReader(c.server)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(line, " ")
		switch {
		case verb == "INFO" && r.behaviour() == contract.Redirect:
			line = "INFO " + r.advertise(rest) + "\r\n"
		case verb == "MSG", verb == "HMSG":
			fields := strings.Fields(line)
			size, _ := strconv.Atoi(fields[len(fields)-1])
			payload := make([]byte, size+len("\r\n"))
			if _, err := io.ReadFull(in, payload); err != nil {
				return
			}
			line += string(payload)
			select {
			case c.answered <- struct{}{}:
			default:
			}
			if r.behaviour() == contract.Lose {
				_ = c.client.Close()
			}
		}
		_, _ = io.WriteString(c.client, line) // who is gone leaves the server's connection open
	}
}

// advertise adds elsewhere to the servers of an INFO.
func (r *relay) advertise(info string) string {
	fields := map[string]any{}
	if err := json.Unmarshal([]byte(info), &fields); err != nil {
		return info
	}
	u, _ := url.Parse(r.elsewhere)
	fields["connect_urls"] = []string{u.Host}
	out, _ := json.Marshal(fields)
	return string(out)
}

// toServer passes on what the connector says, unless told otherwise.
func (r *relay) toServer(c *relayed) {
	defer func() {
		_ = c.client.Close()
		_ = c.server.Close()
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.conns, c)
	}()
	in := bufio.NewReader(c.client)
	for {
		op, fields, err := readOp(in)
		if err != nil {
			return
		}
		switch {
		case fields[0] == "CONNECT" && !r.admits(c, op):
			return
		case fields[0] == "SUB":
			r.mu.Lock()
			r.sids[c] = fields[len(fields)-1]
			r.mu.Unlock()
		case fields[0] == "HPUB" && strings.HasPrefix(fields[1], busPrefix):
			if !r.publication(c, fields[2]) {
				continue
			}
			if r.behaviour() == contract.Stall {
				r.hold(c, op)
				continue
			}
		}
		if _, err := io.WriteString(c.server, op); err != nil {
			return
		}
	}
}

// readOp reads one operation with its payload.
func readOp(in *bufio.Reader) (string, []string, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return "", nil, err
	}
	fields := strings.Fields(line)
	if fields[0] != "PUB" && fields[0] != "HPUB" {
		return line, fields, nil
	}
	size, err := strconv.Atoi(fields[len(fields)-1])
	if err != nil {
		return "", nil, err
	}
	payload := make([]byte, size+len("\r\n"))
	_, err = io.ReadFull(in, payload)
	return line + string(payload), fields, err
}

// admits reports whether the server shall answer a connector that introduces itself. It answers others.
func (r *relay) admits(c *relayed, op string) bool {
	switch r.behaviour() {
	case contract.Deny:
		_, _ = io.WriteString(c.client, "-ERR 'Authorization Violation'\r\n")
	case contract.Leak:
		_, _ = fmt.Fprintf(c.client, "-ERR '%s: %s'\r\n", contract.Leaked, strings.TrimSpace(op))
	case contract.Redirect: // with the address already given
	default:
		return true
	}
	return false
}

// publication reports whether the server shall answer one. It answers others.
func (r *relay) publication(c *relayed, reply string) bool {
	r.mu.Lock()
	sid := r.sids[c]
	r.mu.Unlock()
	switch r.behaviour() {
	case contract.Break:
		r.answer(c, reply, sid, `{"error":{"code":503,"err_code":10008,"description":"JetStream system temporarily unavailable"}}`)
	case contract.Garble:
		r.answer(c, reply, sid, `{"stream":"STOCK","se`)
	case contract.Flood:
		chunk := "MSG " + strings.Repeat("x", 1<<16)
		for {
			if _, err := io.WriteString(c.client, chunk); err != nil {
				return false
			}
			chunk = chunk[len("MSG "):]
		}
	default:
		return true
	}
	return false
}

func (r *relay) answer(c *relayed, reply, sid, text string) {
	_, _ = fmt.Fprintf(c.client, "MSG %s %s %d\r\n%s\r\n", reply, sid, len(text), text)
}

// hold passes a publication on when it is released, and waits until the server has answered it.
func (r *relay) hold(c *relayed, op string) {
	r.holding(1)
	defer r.holding(-1)
	r.received <- struct{}{}
	<-r.gate
	for len(c.answered) > 0 {
		<-c.answered
	}
	if _, err := io.WriteString(c.server, op); err != nil {
		return
	}
	overdue := time.NewTimer(patience)
	defer overdue.Stop()
	select {
	case <-c.answered:
	case <-overdue.C:
		r.Error("the server has not answered what was held")
	}
}
