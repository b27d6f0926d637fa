// Command grpc-in-go is what one would write in Go instead of keyward: grpc-go's server with stubs generated from the
// .proto files, SHA-256, and a map.
//
//	grpc-in-go SOCKET KEYS
package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"os"
	"strings"

	"google.golang.org/grpc"
	v1 "keyward/v1"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: grpc-in-go SOCKET KEYS")
		os.Exit(64)
	}
	if err := serve(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "grpc-in-go:", err)
		os.Exit(1)
	}
}

func serve(socket, path string) error {
	keys, err := load(path)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	v1.RegisterValidationServiceServer(server, &validation{keys: keys})
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	return server.Serve(listener)
}

type validation struct {
	v1.UnimplementedValidationServiceServer
	keys table
}

func (service *validation) ValidateKey(
	_ context.Context, request *v1.ValidateKeyRequest,
) (*v1.ValidateKeyResponse, error) {
	return service.keys.validate(request), nil
}

type key struct {
	id, name   string
	permission v1.Permission
}

type table map[[sha256.Size]byte]key

func (keys table) validate(request *v1.ValidateKeyRequest) *v1.ValidateKeyResponse {
	found, ok := keys[sha256.Sum256([]byte(request.Secret))]
	switch {
	case !ok:
		return &v1.ValidateKeyResponse{Verdict: v1.Verdict_VERDICT_NOT_FOUND}
	case found.permission != request.Permission:
		return &v1.ValidateKeyResponse{Verdict: v1.Verdict_VERDICT_WRONG_PERMISSION}
	default:
		return &v1.ValidateKeyResponse{
			Verdict: v1.Verdict_VERDICT_VALID, KeyId: found.id, Name: found.name, Revision: int64(len(keys)),
		}
	}
}

// load reads the list that `keyward import` takes: a header line, then name,permission,secret without quotes.
func load(path string) (table, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	keys := table{}
	lines := bufio.NewScanner(file)
	for number := 0; lines.Scan(); number++ {
		if number == 0 {
			continue
		}
		fields := strings.Split(lines.Text(), ",")
		if len(fields) != 3 {
			return nil, fmt.Errorf("%s:%d: not name,permission,secret", path, number+1)
		}
		keys[sha256.Sum256([]byte(fields[2]))] = key{
			fmt.Sprintf("key_%020d", number-1), strings.Clone(fields[0]), v1.Permission_PERMISSION_CHAT,
		}
	}
	return keys, lines.Err()
}
