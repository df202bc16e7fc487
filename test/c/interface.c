/*
 * Uses the C interface rightly and wrongly; test/src/c-interface.test.ts compiles and runs it.
 *
 *   interface WHOLE.json STAGE_0.json STAGE_1.json LISTEN_0.json LISTEN_1.json
 *
 * The first three are options of members (a whole model, and the halves of one), the last two options of listeners.
 * Prints the tokens of the whole and of the split model; fails with the line of the expectation that does not hold.
 */
#include <shoal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { text_capacity = 1 << 16, token_count = 6 };

static char error[256];
static char text[text_capacity];
static size_t length;

#define EXPECT(condition)                                                             \
  do {                                                                                \
    if (!(condition)) {                                                               \
      fprintf(stderr, "line %d: %s does not hold; %s\n", __LINE__, #condition, error); \
      exit(1);                                                                        \
    }                                                                                 \
  } while (0)

#define ERROR error, sizeof error
#define EXPECT_OK(call) EXPECT((call) == SHOAL_STATUS_OK)

/* A call that must fail with a code at the start of the error's text. */
#define EXPECT_CODE(code, call)                                   \
  do {                                                            \
    error[0] = 0;                                                 \
    EXPECT((call) != SHOAL_STATUS_OK);                            \
    EXPECT(strncmp(error, code ": ", strlen(code ": ")) == 0);    \
  } while (0)

struct json {
  char bytes[text_capacity];
  size_t length;
};

static struct json *read_json(const char *path)
{
  struct json *json = calloc(1, sizeof *json);
  FILE *file = fopen(path, "rb");
  EXPECT(json && file);
  json->length = fread(json->bytes, 1, sizeof json->bytes, file);
  EXPECT(json->length > 0 && json->length < sizeof json->bytes);
  fclose(file);
  return json;
}

static ShoalDevice open_device(void)
{
  const char options[] = "{\"device\":\"cpu\",\"threads\":1}";
  ShoalDevice device = 0;
  EXPECT_OK(shoal_device_open(options, strlen(options), &device, ERROR));
  EXPECT(device != 0);
  return device;
}

static void wait_until_loaded(ShoalMember member)
{
  uint32_t is_loaded = 0;
  for (int second = 0; second < 60 && !is_loaded; second++) {
    EXPECT_OK(shoal_member_wait(member, 1000, &is_loaded, ERROR));
  }
  EXPECT(is_loaded);
}

static ShoalMember load(ShoalMesh mesh, const struct json *options)
{
  ShoalDevice device = open_device();
  ShoalMember member = 0;
  EXPECT_OK(shoal_member_load(device, mesh, NULL, 0, options->bytes, options->length, &member, ERROR));
  shoal_device_close(device);
  return member;
}

static void submit(ShoalMember member, int id, int maximum_tokens)
{
  const uint32_t prompt[] = {1, 2, 3};
  char request[96];
  snprintf(request, sizeof request, "{\"id\":%d,\"maximumTokens\":%d}", id, maximum_tokens);
  EXPECT_OK(shoal_member_submit(member, request, strlen(request), prompt, 3, ERROR));
}

/* The next event of a kind; others are passed over. */
static const char *await_event(ShoalMember member, const char *kind)
{
  char start[64];
  snprintf(start, sizeof start, "{\"kind\":\"%s\"", kind);
  for (;;) {
    EXPECT_OK(shoal_member_next_event(member, 30000, text, sizeof text - 1, &length, ERROR));
    EXPECT(length > 0);
    text[length] = 0;
    if (strncmp(text, start, strlen(start)) == 0) return text;
  }
}

static void generate(ShoalMember member, int id)
{
  submit(member, id, token_count);
  for (int index = 0; index < token_count; index++) {
    const char *token = strstr(await_event(member, "token"), "\"token\":");
    EXPECT(token);
    printf("%s%d", index ? " " : "", atoi(token + strlen("\"token\":")));
  }
  EXPECT(strstr(await_event(member, "request-finished"), "\"reason\":\"length\""));
  printf("\n");
}

static void before_anything_is_open(const struct json *whole)
{
  EXPECT(shoal_abi_version() == SHOAL_ABI_VERSION);
  EXPECT(strlen(shoal_version()) >= 5);
  char name[8];
  EXPECT(shoal_status_text(SHOAL_STATUS_TRANSPORT_PEER_LOST, name, sizeof name) == strlen("TRANSPORT_PEER_LOST"));
  EXPECT(strcmp(name, "TRANSPO") == 0);
  EXPECT(shoal_status_text(SHOAL_STATUS_OK, NULL, 0) == 2);

  EXPECT_OK(shoal_probe_cpu(NULL, 0, text, sizeof text, &length, ERROR));
  EXPECT(length > 20 && strncmp(text, "{\"id\":\"cpu\"", 11) == 0);
  size_t whole_length = length;
  EXPECT_CODE("ARGUMENT_INVALID", shoal_probe_cpu(NULL, 0, text, whole_length - 1, &length, ERROR));
  EXPECT(length == whole_length);
  EXPECT_CODE("ARGUMENT_INVALID", shoal_probe_cpu(NULL, 0, text, sizeof text, NULL, ERROR));

  ShoalDevice device = 0;
  EXPECT_CODE("ARGUMENT_INVALID", shoal_device_open("{}", 2, &device, ERROR));
  EXPECT_CODE("ARGUMENT_INVALID", shoal_device_open(NULL, 7, &device, ERROR));
  EXPECT_CODE("ARGUMENT_INVALID", shoal_device_open("\xff\xfe", 2, &device, ERROR));
  EXPECT_CODE("ARGUMENT_INVALID", shoal_device_open("{\"device\":\"cpu\",\"threads\":0}", 28, &device, ERROR));
  EXPECT_CODE("BACKEND_DEVICE_UNAVAILABLE", shoal_device_open("{\"device\":\"abacus\"}", 19, &device, ERROR));
  EXPECT(device == 0);
  EXPECT_CODE("ARGUMENT_INVALID", shoal_device_open("{\"device\":\"cpu\"}", 16, NULL, ERROR));
  EXPECT(shoal_device_open("{}", 2, &device, NULL, 0) == SHOAL_STATUS_INTERNAL_INVALID_ARGUMENT);

  /* Numbers that were made up. */
  EXPECT(shoal_device_table(77777) == NULL);
  shoal_device_close(77777);
  shoal_member_close(77777);
  shoal_mesh_close(77777);
  shoal_listener_close(77777);
  EXPECT_CODE("INSTANCE_NOT_FOUND", shoal_member_next_event(77777, 0, text, sizeof text, &length, ERROR));
  ShoalMember member = 0;
  EXPECT_CODE("BACKEND_DEVICE_UNAVAILABLE",
              shoal_member_load(77777, 0, NULL, 0, whole->bytes, whole->length, &member, ERROR));
  EXPECT_CODE("TRANSPORT_CLOSED", shoal_mesh_connect(77777, "[]", 2, 100, &member, ERROR));
  EXPECT(member == 0);
}

/* A table of a library that does not exist, and the device's own through the import. */
static void tables(const struct json *whole)
{
  ShoalDevice device = open_device();
  const ShoalBackendTable *table = shoal_device_table(device);
  EXPECT(table && table->size == sizeof *table && table->version == SHOAL_BACKEND_TABLE_VERSION);
  ShoalBackendTable later = *table;
  later.version++;
  ShoalDevice imported = 0;
  EXPECT_CODE("PLUGIN_VERSION_MISMATCH", shoal_device_import(&later, &imported, ERROR));
  EXPECT_CODE("ARGUMENT_INVALID", shoal_device_import(NULL, &imported, ERROR));
  EXPECT_OK(shoal_device_import(table, &imported, ERROR));
  shoal_device_close(device);
  shoal_device_close(device);

  ShoalMember member = 0;
  EXPECT_OK(shoal_member_load(imported, 0, NULL, 0, whole->bytes, whole->length, &member, ERROR));
  shoal_device_close(imported);
  wait_until_loaded(member);
  generate(member, 1);
  shoal_member_close(member);
}

static void requests(const struct json *whole)
{
  ShoalMember member = load(0, whole);
  wait_until_loaded(member);
  const uint32_t absurd = 1u << 30;
  EXPECT_CODE("ARGUMENT_INVALID", shoal_member_submit(member, "{", 1, &absurd, 1, ERROR));
  EXPECT_CODE("REQUEST_INVALID",
              shoal_member_submit(member, "{\"id\":9,\"maximumTokens\":1}", 26, &absurd, 1, ERROR));
  EXPECT_CODE("REQUEST_INVALID",
              shoal_member_submit(member, "{\"id\":9,\"maximumTokens\":1}", 26, NULL, 0, ERROR));

  submit(member, 7, 40);
  size_t token_length = strlen(await_event(member, "token"));
  /* An event that does not fit stays for the next call. */
  EXPECT_CODE("ARGUMENT_INVALID", shoal_member_next_event(member, 30000, text, 10, &length, ERROR));
  EXPECT(length >= token_length);
  EXPECT_OK(shoal_member_next_event(member, 0, text, sizeof text, &length, ERROR));
  EXPECT(length >= token_length && strncmp(text, "{\"kind\":\"token\"", 15) == 0);
  EXPECT_OK(shoal_member_cancel(member, 7, ERROR));
  await_event(member, "request-finished");
  EXPECT_OK(shoal_member_cancel(member, 7, ERROR));
  EXPECT_OK(shoal_member_next_event(member, 0, text, sizeof text, &length, ERROR));
  EXPECT(length == 0);

  EXPECT_OK(shoal_member_statistics(member, text, sizeof text - 1, &length, ERROR));
  text[length] = 0;
  EXPECT(strstr(text, "\"steps\":") && !strstr(text, "\"steps\":0,"));
  EXPECT_OK(shoal_member_answers(member, text, sizeof text - 1, &length, ERROR));
  text[length] = 0;
  EXPECT(strstr(text, "\"requestId\":7,\"choice\":0,\"state\":\"cancelled\","));
  EXPECT_CODE("ARGUMENT_INVALID", shoal_member_answers(member, text, 1, &length, ERROR));
  submit(member, 8, 40);
  shoal_member_close(member);
  shoal_member_close(member);
  EXPECT_CODE("INSTANCE_NOT_FOUND", shoal_member_answers(member, text, sizeof text, &length, ERROR));
  EXPECT_CODE("INSTANCE_NOT_FOUND", shoal_member_statistics(member, text, sizeof text, &length, ERROR));
}

static void loads_that_fail(const struct json *whole)
{
  /* Anything that the options are wrong in shows at once; what the files are wrong in, when they are read. */
  ShoalDevice device = open_device();
  ShoalMember member = 0;
  EXPECT_CODE("ARGUMENT_INVALID", shoal_member_load(device, 0, NULL, 0, "{}", 2, &member, ERROR));
  const ShoalChannelTable *nothing = NULL;
  EXPECT_CODE("PLUGIN_VERSION_MISMATCH",
              shoal_member_load(device, 0, &nothing, 1, whole->bytes, whole->length, &member, ERROR));
  shoal_device_close(device);

  static struct json elsewhere;
  elsewhere = *whole;
  char *directory = strstr(elsewhere.bytes, "\"modelDirectory\":\"");
  EXPECT(directory);
  directory[strlen("\"modelDirectory\":\"")] = '?';
  member = load(0, &elsewhere);
  uint32_t is_loaded = 0;
  EXPECT_CODE("MODEL_NOT_FOUND", shoal_member_wait(member, 30000, &is_loaded, ERROR));
  EXPECT(!is_loaded);
  EXPECT_CODE("MODEL_NOT_FOUND", shoal_member_next_event(member, 30000, text, sizeof text, &length, ERROR));
  shoal_member_close(member);

  /* Closed while it loads. */
  shoal_member_close(load(0, whole));
}

static void split_over_a_mesh(struct json *const stages[2], struct json *const listens[2])
{
  ShoalListener listeners[2];
  ShoalMesh meshes[2];
  ShoalMember members[2];
  char peers[4096] = "[";
  for (int index = 0; index < 2; index++) {
    EXPECT_OK(shoal_listener_bind(listens[index]->bytes, listens[index]->length, &listeners[index], ERROR));
    EXPECT_OK(shoal_listener_endpoint(listeners[index], text, sizeof text - 1, &length, ERROR));
    text[length] = 0;
    size_t end = strlen(peers);
    snprintf(peers + end, sizeof peers - end, "%s{\"stage\":%d,\"member\":0,\"nodeId\":\"node\",\"endpoint\":%s}%s",
             index ? "," : "", index, text, index ? "]" : "");
  }
  for (int index = 0; index < 2; index++) {
    EXPECT_OK(shoal_mesh_connect(listeners[index], peers, strlen(peers), 30000, &meshes[index], ERROR));
  }
  for (int index = 0; index < 2; index++) {
    uint32_t is_connected = 0;
    EXPECT_OK(shoal_mesh_wait(meshes[index], 30000, &is_connected, ERROR));
    EXPECT(is_connected);
    shoal_listener_close(listeners[index]);
    members[index] = load(meshes[index], stages[index]);
  }
  EXPECT_OK(shoal_mesh_peer_states(meshes[0], text, sizeof text - 1, &length, ERROR));
  EXPECT(length > 2 && text[0] == '[');
  for (int index = 0; index < 2; index++) {
    wait_until_loaded(members[index]);
    shoal_mesh_close(meshes[index]);
  }
  const uint32_t token = 1;
  EXPECT_CODE("ARGUMENT_INVALID",
              shoal_member_submit(members[1], "{\"id\":1,\"maximumTokens\":1}", 26, &token, 1, ERROR));
  generate(members[0], 1);

  /* The other half goes away: the head says so, and then that nothing follows. */
  shoal_member_close(members[1]);
  await_event(members[0], "member-failed");
  EXPECT_CODE("TRANSPORT_CLOSED", shoal_member_next_event(members[0], 30000, text, sizeof text, &length, ERROR));
  shoal_member_close(members[0]);

  /* Nobody listens any more. */
  ShoalListener alone;
  ShoalMesh mesh;
  uint32_t is_connected = 0;
  EXPECT_OK(shoal_listener_bind(listens[0]->bytes, listens[0]->length, &alone, ERROR));
  EXPECT_OK(shoal_mesh_connect(alone, peers, strlen(peers), 300, &mesh, ERROR));
  ShoalDevice device = open_device();
  EXPECT_CODE("TRANSPORT_UNAVAILABLE",
              shoal_member_load(device, mesh, NULL, 0, stages[0]->bytes, stages[0]->length, &members[0], ERROR));
  shoal_device_close(device);
  EXPECT_CODE("TRANSPORT_UNREACHABLE", shoal_mesh_wait(mesh, 30000, &is_connected, ERROR));
  shoal_mesh_close(mesh);
  shoal_listener_close(alone);
}

int main(int argument_count, char **arguments)
{
  EXPECT(argument_count == 6);
  struct json *whole = read_json(arguments[1]);
  struct json *const stages[] = {read_json(arguments[2]), read_json(arguments[3])};
  struct json *const listens[] = {read_json(arguments[4]), read_json(arguments[5])};
  before_anything_is_open(whole);
  tables(whole);
  requests(whole);
  loads_that_fail(whole);
  split_over_a_mesh(stages, listens);

  /* The process ends while a step runs, and nobody closed anything. */
  ShoalMember running = load(0, whole);
  wait_until_loaded(running);
  submit(running, 1, 40);
  await_event(running, "token");
  return 0;
}
