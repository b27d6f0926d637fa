#pragma once
// The low-level SHA-256 calls are deprecated in favour of EVP, which takes 89 ns for what they do in 55 on a secret's
// 44 bytes.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <sys/random.h>
