// The service for tunnels: over TLS, it demands the token, answers an Upgrade with 101 and echoes.
package main

import (
	"crypto/sha1"
	"encoding/base64"
	"flag"
	"io"
	"log"
	"net/http"
	"os"
)

func main() {
	listen := flag.String("listen", "", "where to listen")
	files := flag.String("files", "", "a PEM file with certificate and key")
	small := flag.String("small", "", "the answer to a request without an Upgrade")
	flag.Parse()
	authorization := "Bearer " + os.Getenv("BENCH_TOKEN")

	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != authorization:
			w.WriteHeader(http.StatusUnauthorized)
		case r.Header.Get("Upgrade") == "":
			io.WriteString(w, *small)
		default:
			tunnel(w, r.Header.Get("Sec-Websocket-Key"))
		}
	})
	server := &http.Server{Addr: *listen, Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	log.Fatal(server.ListenAndServeTLS(*files, *files))
}

func tunnel(w http.ResponseWriter, key string) {
	connection, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	accept := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	io.WriteString(connection, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: "+base64.StdEncoding.EncodeToString(accept[:])+"\r\n\r\n")
	io.Copy(connection, buffered)
}
