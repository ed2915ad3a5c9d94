#include <brenier/brenier.h>
#include <stdio.h>

int main(void)
{
    brn_settings settings;
    if (brn_settings_preset(&settings, "hd") != BRN_OK || brn_settings_resolve(&settings, 16) != BRN_OK) return 1;
    printf("brenier %s, %d settings, batch %d\n", brn_version(), brn_settings_count(), settings.train.batch);
    return brn_settings_set(&settings, "no.such", "1") == BRN_ERR_USAGE ? 0 : 1;
}
