// Command go-ttrpc is a chat service over HTTP that asks keyward about the key of every request, with containerd's ttrpc:
//
//	KEYWARD_SOCKET=/run/keyward/keyward.sock go-ttrpc chat.sock
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"regexp"
	"sync"
	"time"

	"github.com/containerd/ttrpc"
	keyward "keyward/v1"
)

// What is not visible ASCII cannot be a bearer's secret, and keyward need not be asked.
var bearer = regexp.MustCompile(`^(?i:Bearer) +([!-~]+)$`)

// A daemon is keyward at a socket. A ttrpc client is good for one connection, so a daemon makes the next one itself.
type daemon struct {
	socket string
	lock   sync.Mutex
	client *ttrpc.Client
}

// connected is the client in use, or a new one where there is none.
func (d *daemon) connected(ctx context.Context) (*ttrpc.Client, error) {
	d.lock.Lock()
	defer d.lock.Unlock()
	if d.client == nil {
		connection, err := (&net.Dialer{}).DialContext(ctx, "unix", d.socket)
		if err != nil {
			return nil, err
		}
		d.client = ttrpc.NewClient(connection)
	}
	return d.client, nil
}

// drop forgets a client whose connection has ended, unless somebody else has done so.
func (d *daemon) drop(client *ttrpc.Client) {
	d.lock.Lock()
	defer d.lock.Unlock()
	if d.client == client {
		d.client = nil
	}
	client.Close()
}

func (d *daemon) validate(ctx context.Context, request *keyward.ValidateKeyRequest) (*keyward.ValidateKeyResponse, error) {
	for again := true; ; again = false {
		client, err := d.connected(ctx)
		if err != nil {
			return nil, err
		}
		reply := &keyward.ValidateKeyResponse{}
		err = client.Call(ctx, "keyward.v1.ValidationService", "ValidateKey", request, reply)
		if !errors.Is(err, ttrpc.ErrClosed) {
			return reply, err
		}
		// keyward has closed the connection, as it does when it is restarted: once more, on a new one.
		d.drop(client)
		if !again {
			return nil, err
		}
	}
}

// authorize tells the HTTP status for a request, and the name of the key where that is 200.
func (d *daemon) authorize(r *http.Request) (int, string) {
	match := bearer.FindStringSubmatch(r.Header.Get("Authorization"))
	if match == nil {
		return http.StatusUnauthorized, ""
	}
	ctx, cancel := context.WithTimeout(r.Context(), time.Second)
	defer cancel()
	answer, err := d.validate(ctx, &keyward.ValidateKeyRequest{
		Secret: match[1], Permission: keyward.Permission_PERMISSION_CHAT,
	})
	if err != nil {
		// Nobody knows whether the key is good. That is no fault of its holder, so it is not 401.
		log.Printf("keyward: %v", err)
		return http.StatusServiceUnavailable, ""
	}
	switch answer.Verdict {
	case keyward.Verdict_VERDICT_VALID:
		return http.StatusOK, answer.Name
	case keyward.Verdict_VERDICT_WRONG_PERMISSION:
		return http.StatusForbidden, ""
	case keyward.Verdict_VERDICT_RATE_LIMITED, keyward.Verdict_VERDICT_USAGE_EXCEEDED:
		return http.StatusTooManyRequests, ""
	default:
		return http.StatusUnauthorized, ""
	}
}

func (d *daemon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	code, name := d.authorize(r)
	if code == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	w.WriteHeader(code)
	if code == http.StatusOK {
		fmt.Fprintf(w, "hello, %s\n", name)
	}
}

func main() {
	socket := os.Getenv("KEYWARD_SOCKET")
	if socket == "" {
		socket = "/run/keyward/keyward.sock"
	}
	listener, err := net.Listen("unix", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(listener, &daemon{socket: socket}))
}
