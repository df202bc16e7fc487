/*
 * Generates tokens with the native engine and nothing else: no JavaScript, no node, one member that holds a whole model.
 *
 *   cc -std=c11 -I <engine-node>/include generate.c <engine-node>/shoal-engine.<platform>.node -o generate
 *   ./generate options.json 24 1 50 7 …
 *
 * options.json is what `shoal_member_load` takes; examples/bun-ffi/member-options.ts writes it. The next argument is the
 * most tokens to generate, the others are the ids of the prompt's tokens. Prints the engine's events, one a line.
 */
#include <shoal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char error[1024];

static void check(ShoalStatus status)
{
  if (status == SHOAL_STATUS_OK) return;
  fprintf(stderr, "%s\n", error);
  exit(1);
}

static char *read_file(const char *path, size_t *length)
{
  FILE *file = fopen(path, "rb");
  if (!file) return NULL;
  size_t capacity = 1 << 16;
  char *text = malloc(capacity);
  *length = 0;
  while (text && !feof(file) && !ferror(file)) {
    if (*length == capacity) {
      char *larger = realloc(text, capacity *= 2);
      if (!larger) free(text);
      text = larger;
      continue;
    }
    *length += fread(text + *length, 1, capacity - *length, file);
  }
  fclose(file);
  return text;
}

int main(int argument_count, char **arguments)
{
  if (shoal_abi_version() != SHOAL_ABI_VERSION) {
    fprintf(stderr, "the library has interface %u, this program needs %u\n", shoal_abi_version(), SHOAL_ABI_VERSION);
    return 1;
  }
  size_t options_length = 0;
  char *options = argument_count > 3 ? read_file(arguments[1], &options_length) : NULL;
  if (!options) {
    fprintf(stderr, "usage: generate OPTIONS.json MAXIMUM_TOKENS TOKEN...\n");
    return 2;
  }

  static const char device_options[] = "{\"device\": \"cpu\", \"threads\": 1}";
  ShoalDevice device;
  check(shoal_device_open(device_options, strlen(device_options), &device, error, sizeof error));
  ShoalMember member;
  check(shoal_member_load(device, 0, NULL, 0, options, options_length, &member, error, sizeof error));
  free(options);
  shoal_device_close(device); /* the member keeps what it needs */
  uint32_t is_loaded = 0;
  while (!is_loaded) check(shoal_member_wait(member, 1000, &is_loaded, error, sizeof error));

  size_t prompt_length = (size_t)argument_count - 3;
  uint32_t *prompt = malloc(prompt_length * sizeof *prompt);
  if (!prompt) return 1;
  for (size_t index = 0; index < prompt_length; index++) {
    prompt[index] = (uint32_t)strtoul(arguments[index + 3], NULL, 10);
  }
  char request[128];
  snprintf(request, sizeof request, "{\"id\": 1, \"maximumTokens\": %lu, \"sampling\": {\"temperature\": 0}}",
           strtoul(arguments[2], NULL, 10));
  check(shoal_member_submit(member, request, strlen(request), prompt, prompt_length, error, sizeof error));
  free(prompt);

  int has_ended = 0;
  while (!has_ended) {
    char event[4096];
    size_t length = 0;
    check(shoal_member_next_event(member, 1000, event, sizeof event - 1, &length, error, sizeof error));
    if (length == 0) continue;
    event[length] = 0;
    puts(event);
    /* Quick enough here: the only texts in events are codes, and messages behind them. */
    has_ended = strncmp(event, "{\"kind\":\"request-", 17) == 0;
  }
  shoal_member_close(member);
  return 0;
}
