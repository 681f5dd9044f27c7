// The hooks' program. Its main is C, as Embedded Swift has no CommandLine.
#include <stdint.h>

int32_t quota_hook(int32_t count, char **arguments);

int main(int count, char **arguments) { return quota_hook(count, arguments); }
