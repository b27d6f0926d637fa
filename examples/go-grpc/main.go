// Command go-grpc is a chat service over HTTP that asks keyward about the key of every request, with grpc-go:
//
//	KEYWARD_SOCKET=/run/keyward/keyward.sock go-grpc chat.sock
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"regexp"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/status"
	keyward "keyward/v1"
)

// What is not visible ASCII cannot be a bearer's secret, and keyward need not be asked.
var bearer = regexp.MustCompile(`^(?i:Bearer) +([!-~]+)$`)

type service struct {
	validation keyward.ValidationServiceClient
}

// authorize tells the HTTP status for a request, and the name of the key where that is 200.
func (s service) authorize(r *http.Request) (int, string) {
	match := bearer.FindStringSubmatch(r.Header.Get("Authorization"))
	if match == nil {
		return http.StatusUnauthorized, ""
	}
	ctx, cancel := context.WithTimeout(r.Context(), time.Second)
	defer cancel()
	answer, err := s.validation.ValidateKey(ctx, &keyward.ValidateKeyRequest{
		Secret: match[1], Permission: keyward.Permission_PERMISSION_CHAT,
	})
	if err != nil {
		// Nobody knows whether the key is good. That is no fault of its holder, so it is not 401.
		log.Printf("keyward: %s: %s", status.Code(err), status.Convert(err).Message())
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

func (s service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	code, name := s.authorize(r)
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
	// One connection for the whole process: it is safe for goroutines, and made anew by itself, within a second when
	// keyward is back. (Since grpc-go 1.63 this is grpc.NewClient, with insecure.NewCredentials.)
	patience := backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second}
	connection, err := grpc.Dial("unix:"+socket, grpc.WithInsecure(),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: patience, MinConnectTimeout: time.Second}))
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("unix", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(listener, service{keyward.NewValidationServiceClient(connection)}))
}
