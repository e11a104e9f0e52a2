#include "tests/integration/launch_program.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "common/check.h"

namespace cairn {

namespace {

std::string content_of(std::FILE* file) {
  std::string content;
  std::rewind(file);
  char bytes[4096];
  while (const size_t count = std::fread(bytes, 1, sizeof(bytes), file))
    content.append(bytes, count);
  std::fclose(file);
  return content;
}

}  // namespace

Ran run_program(const std::vector<std::string>& command,
                const std::map<std::string, std::string>& environment) {
  // Files, not pipes: a process left behind could hold a pipe open for ever.
  std::FILE *out = std::tmpfile(), *err = std::tmpfile();
  check(out && err, "no temporary file");
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);

  const pid_t child = fork();
  check(child >= 0, "no process");
  if (child == 0) {  // of a test program without threads, so it may allocate
    for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
    dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
    dup2(fileno(out), STDOUT_FILENO);
    dup2(fileno(err), STDERR_FILENO);
    execv(words[0], words.data());
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  Ran ran;
  ran.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  ran.out = content_of(out);
  ran.err = content_of(err);
  return ran;
}

Ran run_cairn(const std::vector<std::string>& arguments,
              const std::map<std::string, std::string>& environment) {
  std::vector<std::string> command = {CAIRN_PROGRAM};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run_program(command, environment);
}

}  // namespace cairn
