// Command go-client calls keywardd as any Go program would: through containerd's ttrpc client, with message types
// generated from the .proto files. It prints one line of JSON for each result. An RPC error is a result; only what
// keeps the client from asking at all, a lost connection included, ends it with status 1.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/containerd/ttrpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	v1 "keyward/v1"
)

const usage = `usage: go-client SOCKET COMMAND [ARGS]

  create NAME PERMISSION
  get ID
  list PAGE_SIZE
  validate PERMISSION                         the secret on standard input
  validate-many PERMISSION GOROUTINES CALLS   the secret on standard input
  create-many PREFIX PERMISSION GOROUTINES CALLS
  whoami
  status
  unknown
  deadline

A PERMISSION is chat or secure-mail. The goroutines of a command share one connection, and each makes CALLS calls.
`

const (
	keyService        = "keyward.v1.KeyService"
	validationService = "keyward.v1.ValidationService"
	controlService    = "keyward.v1.ControlService"
)

// A callTimeout bounds every call, so that one that is never answered ends a test instead of holding it up.
const callTimeout = time.Minute

func main() {
	if len(os.Args) < 3 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(64)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, "go-client:", err)
		os.Exit(1)
	}
}

func run(socket, name string, arguments []string) error {
	command, ok := commands[name]
	if !ok || len(arguments) != command.arity {
		return errors.New("wrong arguments\n" + usage)
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return err
	}
	c := client{ttrpc.NewClient(conn, ttrpc.WithUnaryClientInterceptor(alterTimeout))}
	defer c.Close()
	return command.run(c, arguments)
}

var commands = map[string]struct {
	arity int
	run   func(client, []string) error
}{
	"create":        {2, create},
	"get":           {1, get},
	"list":          {1, list},
	"validate":      {1, validate},
	"validate-many": {3, validateMany},
	"create-many":   {4, createMany},
	"whoami":        {0, whoAmI},
	"status":        {0, getStatus},
	"unknown":       {0, unknown},
	"deadline":      {0, deadline},
}

// Commands.

func create(c client, arguments []string) error {
	permission, err := permissionOf(arguments[1])
	if err != nil {
		return err
	}
	reply, err := c.create(arguments[0], permission)
	return tell(err, func() interface{} {
		return struct {
			ID     string `json:"id"`
			Secret string `json:"secret"`
		}{reply.Key.Id, reply.Secret}
	})
}

func get(c client, arguments []string) error {
	var reply v1.GetKeyResponse
	err := c.call(keyService, "GetKey", &v1.GetKeyRequest{Id: arguments[0]}, &reply)
	return tell(err, func() interface{} {
		key := reply.Key
		return struct {
			ID           string `json:"id"`
			Name         string `json:"name"`
			Permission   string `json:"permission"`
			Enabled      bool   `json:"enabled"`
			State        string `json:"state"`
			Availability string `json:"availability"`
			Hint         string `json:"hint"`
			Creator      string `json:"creator"`
			CreateTime   string `json:"create_time"`
			Etag         string `json:"etag"`
		}{
			key.Id, key.Name, key.Permission.String(), key.Enabled, key.State.String(), key.Availability.String(),
			key.Hint, key.Creator, time.Unix(key.CreateTime.Seconds, int64(key.CreateTime.Nanos)).UTC().Format(time.RFC3339),
			key.Etag,
		}
	})
}

func list(c client, arguments []string) error {
	size, err := strconv.ParseInt(arguments[0], 10, 32)
	if err != nil {
		return err
	}
	result := struct {
		Count     int   `json:"count"`
		Distinct  int   `json:"distinct"`
		Pages     int   `json:"pages"`
		TotalSize int64 `json:"total_size"`
	}{}
	seen := map[string]bool{}
	request := v1.ListKeysRequest{PageSize: int32(size)}
	for {
		var reply v1.ListKeysResponse
		if err := c.call(keyService, "ListKeys", &request, &reply); err != nil {
			return tell(err, nil)
		}
		for _, key := range reply.Keys {
			seen[key.Id] = true
		}
		result.Count += len(reply.Keys)
		result.Pages++
		result.TotalSize = reply.TotalSize
		if reply.NextPageToken == "" {
			break
		}
		request.PageToken = reply.NextPageToken
	}
	result.Distinct = len(seen)
	return tell(nil, func() interface{} { return result })
}

func validate(c client, arguments []string) error {
	permission, err := permissionOf(arguments[0])
	if err != nil {
		return err
	}
	secret, err := secretFromInput()
	if err != nil {
		return err
	}
	reply, err := c.validate(secret, permission)
	return tell(err, func() interface{} {
		return struct {
			Verdict  string `json:"verdict"`
			KeyID    string `json:"key_id"`
			Name     string `json:"name"`
			Revision int64  `json:"revision"`
		}{reply.Verdict.String(), reply.KeyId, reply.Name, reply.Revision}
	})
}

func validateMany(c client, arguments []string) error {
	permission, err := permissionOf(arguments[0])
	if err != nil {
		return err
	}
	secret, err := secretFromInput()
	if err != nil {
		return err
	}
	counts, err := together(arguments[1:], func(int, int) (string, error) {
		reply, err := c.validate(secret, permission)
		if err != nil {
			return "", err
		}
		return reply.Verdict.String(), nil
	})
	if err != nil {
		return err
	}
	return tell(nil, func() interface{} {
		return struct {
			Verdicts map[string]int `json:"verdicts"`
			Errors   map[string]int `json:"errors"`
		}{counts.results, counts.errors}
	})
}

func createMany(c client, arguments []string) error {
	permission, err := permissionOf(arguments[1])
	if err != nil {
		return err
	}
	counts, err := together(arguments[2:], func(goroutine, call int) (string, error) {
		_, err := c.create(fmt.Sprintf("%s-%d-%d", arguments[0], goroutine, call), permission)
		return "created", err
	})
	if err != nil {
		return err
	}
	return tell(nil, func() interface{} {
		return struct {
			Created int            `json:"created"`
			Errors  map[string]int `json:"errors"`
		}{counts.results["created"], counts.errors}
	})
}

func whoAmI(c client, _ []string) error {
	reply, err := c.whoAmI(context.Background())
	return tell(err, func() interface{} {
		return struct {
			UID    uint32   `json:"uid"`
			User   string   `json:"user"`
			GIDs   []uint32 `json:"gids"`
			PID    int32    `json:"pid"`
			Rights []string `json:"rights"`
		}{reply.Uid, reply.User, reply.Gids, reply.Pid, reply.Rights}
	})
}

func getStatus(c client, _ []string) error {
	var reply v1.GetStatusResponse
	err := c.call(controlService, "GetStatus", &v1.GetStatusRequest{}, &reply)
	return tell(err, func() interface{} {
		return struct {
			Version          string `json:"version"`
			PID              int32  `json:"pid"`
			Revision         int64  `json:"revision"`
			KeyCount         int64  `json:"key_count"`
			ConnectionCount  int64  `json:"connection_count"`
			CallCount        int64  `json:"call_count"`
			RefusedCallCount int64  `json:"refused_call_count"`
		}{
			reply.Version, reply.Pid, reply.Revision, reply.KeyCount, reply.ConnectionCount, reply.CallCount,
			reply.RefusedCallCount,
		}
	})
}

// unknown calls a method and a service that are not there.
func unknown(c client, _ []string) error {
	for _, name := range [][2]string{{keyService, "NoSuchMethod"}, {"keyward.v9.X", "Y"}} {
		err := c.call(name[0], name[1], &v1.WhoAmIRequest{}, &v1.WhoAmIResponse{})
		if err := tell(err, func() interface{} { return struct{}{} }); err != nil {
			return err
		}
	}
	return nil
}

// deadline tells of a call whose time is over before it is made, of one that the daemon itself is told is over, of
// many whose replies come too late as often as not, and of one with time enough after all these on the same
// connection.
func deadline(c client, _ []string) error {
	if err := tell(c.whoAmIWithin(time.Nanosecond), func() interface{} { return struct{}{} }); err != nil {
		return err
	}
	_, err := c.whoAmI(context.WithValue(context.Background(), timeoutKey{}, int64(-1)))
	if err := tell(err, func() interface{} { return struct{}{} }); err != nil {
		return err
	}
	var counts struct {
		InTime int `json:"in_time"`
		Late   int `json:"late"`
	}
	for call := 0; call < 200; call++ {
		switch err := c.whoAmIWithin(time.Duration(call) * time.Microsecond); code(err) {
		case codes.OK:
			counts.InTime++
		case codes.DeadlineExceeded:
			counts.Late++
		default:
			return err
		}
	}
	if err := tell(nil, func() interface{} { return counts }); err != nil {
		return err
	}
	return whoAmI(c, nil)
}

// Calls.

type client struct {
	*ttrpc.Client
}

func (c client) call(service, method string, request, reply interface{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	return c.Call(ctx, service, method, request, reply)
}

func (c client) create(name string, permission v1.Permission) (*v1.CreateKeyResponse, error) {
	var reply v1.CreateKeyResponse
	err := c.call(keyService, "CreateKey", &v1.CreateKeyRequest{Name: name, Permission: permission}, &reply)
	return &reply, err
}

func (c client) validate(secret string, permission v1.Permission) (*v1.ValidateKeyResponse, error) {
	var reply v1.ValidateKeyResponse
	request := v1.ValidateKeyRequest{Secret: secret, Permission: permission}
	err := c.call(validationService, "ValidateKey", &request, &reply)
	return &reply, err
}

func (c client) whoAmI(ctx context.Context) (*v1.WhoAmIResponse, error) {
	var reply v1.WhoAmIResponse
	err := c.Call(ctx, controlService, "WhoAmI", &v1.WhoAmIRequest{}, &reply)
	return &reply, err
}

func (c client) whoAmIWithin(timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	_, err := c.whoAmI(ctx)
	return err
}

// A timeoutKey finds in a context the timeout_nano to send in place of the context's own, so that it is the daemon
// that judges it and not this side.
type timeoutKey struct{}

func alterTimeout(
	ctx context.Context, request *ttrpc.Request, reply *ttrpc.Response, _ *ttrpc.UnaryClientInfo, invoke ttrpc.Invoker,
) error {
	if timeout, ok := ctx.Value(timeoutKey{}).(int64); ok {
		request.TimeoutNano = timeout
	}
	return invoke(ctx, request, reply)
}

type counts struct {
	results map[string]int
	errors  map[string]int
}

// together has goroutines make calls at the same time, and counts what comes of them.
func together(arguments []string, call func(goroutine, call int) (string, error)) (counts, error) {
	goroutines, err := strconv.Atoi(arguments[0])
	if err != nil {
		return counts{}, err
	}
	calls, err := strconv.Atoi(arguments[1])
	if err != nil {
		return counts{}, err
	}
	all := counts{map[string]int{}, map[string]int{}}
	var lock sync.Mutex
	var wait sync.WaitGroup
	for goroutine := 0; goroutine < goroutines; goroutine++ {
		wait.Add(1)
		go func(goroutine int) {
			defer wait.Done()
			for number := 0; number < calls; number++ {
				result, err := call(goroutine, number)
				lock.Lock()
				if err != nil {
					all.errors[err.Error()]++
				} else {
					all.results[result]++
				}
				lock.Unlock()
			}
		}(goroutine)
	}
	wait.Wait()
	return all, nil
}

// Input and output.

func permissionOf(name string) (v1.Permission, error) {
	switch name {
	case "chat":
		return v1.Permission_PERMISSION_CHAT, nil
	case "secure-mail":
		return v1.Permission_PERMISSION_SECURE_MAIL, nil
	default:
		return 0, fmt.Errorf("%q is no permission: give chat or secure-mail", name)
	}
}

func secretFromInput() (string, error) {
	secret, err := io.ReadAll(os.Stdin)
	return string(secret), err
}

// code is the status code of a call's outcome; Unknown for what is no status, such as a lost connection.
func code(err error) codes.Code {
	if errors.Is(err, context.DeadlineExceeded) {
		return codes.DeadlineExceeded
	}
	return status.Code(err)
}

// tell prints a call's outcome: what result makes of it, or the status. What is no status is returned.
func tell(err error, result func() interface{}) error {
	var line interface{}
	switch {
	case err == nil:
		line = result()
	case code(err) == codes.Unknown:
		return err
	default:
		line = struct {
			Code    codes.Code `json:"code"`
			Message string     `json:"message"`
		}{code(err), message(err)}
	}
	return json.NewEncoder(os.Stdout).Encode(line)
}

func message(err error) string {
	if status, ok := status.FromError(err); ok {
		return status.Message()
	}
	return err.Error()
}
