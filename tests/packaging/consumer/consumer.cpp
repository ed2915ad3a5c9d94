#include <brenier/brenier.h>
#include <cstdio>

int main()
{
    brn_settings settings{};
    if (brn_settings_preset(&settings, "2d") != BRN_OK) return 1;
    std::printf("brenier %s from C++, status \"%s\"\n", brn_version(), brn_status_text(BRN_OK));
}
